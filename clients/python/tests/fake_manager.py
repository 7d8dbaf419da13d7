"""A manager that answers as it is told, on a real gRPC server: for what a real one cannot be made to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from mcp_manager import MCPConfig, MCPManager
from mcp_manager.messages import path_of, request, types_of

if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
else:
    Context = grpc.aio.ServicerContext
Answer = Callable[[Any, Context], Awaitable[Message] | AsyncIterator[Message]]


class FakeManager:
    """Answers by the table `answers`: a coroutine for each method with one answer, an async generator for each with a stream."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, Any]] = []
        self.keys: list[str | None] = []
        self.address = ""
        self._server: grpc.aio.Server | None = None

    async def start(self, address: str = "127.0.0.1:0") -> None:
        """Begins to listen; where it was before, when that address is given."""
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_Handler(self),))
        port = self._server.add_insecure_port(address)
        self.address = f"127.0.0.1:{port}"
        await self._server.start()

    async def stop(self) -> None:
        """Cuts everything off."""
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    def config(self, **more: Any) -> MCPConfig:
        """How to reach it."""
        return MCPConfig(address=self.address, api_key="the-key", **more)


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, fake: FakeManager) -> None:
        self._fake = fake

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        rpc = handler_call_details.method.rpartition("/")[2]
        if handler_call_details.method != path_of(rpc) or rpc not in self._fake.answers:
            return None
        answer = self._fake.answers[rpc]

        def note(message: Any, context: Context) -> None:
            self._fake.asked.append((rpc, message))
            self._fake.keys.append(dict(context.invocation_metadata() or ()).get("authorization"))  # type: ignore[arg-type]

        async def one(message: Any, context: Context) -> Message:
            note(message, context)
            return await answer(message, context)  # type: ignore[misc, no-any-return]

        async def many(message: Any, context: Context) -> AsyncGenerator[Message, None]:
            note(message, context)
            async for item in answer(message, context):  # type: ignore[union-attr]
                yield item

        read, write = types_of(rpc)[0].FromString, lambda message: message.SerializeToString()
        is_stream = rpc in ("WatchEvents", "WatchServers", "ListServers", "ReadLogs")
        make = grpc.unary_stream_rpc_method_handler if is_stream else grpc.unary_unary_rpc_method_handler
        return make(many if is_stream else one, request_deserializer=read, response_serializer=write)


async def refuse(context: Context, status: grpc.StatusCode, code: str, message: str, *details: Message, **facts: str) -> None:
    """Ends a call as the manager does: with the status, and our code among the details."""
    info = error_details_pb2.ErrorInfo(reason=code.upper(), domain="mcp-manager", metadata=facts)
    packed = []
    for detail in (info, *details):
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    value = status_pb2.Status(code=status.value[0], message=message, details=packed)
    metadata = (("grpc-status-details-bin", value.SerializeToString()),)
    await context.abort(status, message, metadata)


def message(rpc: str, **content: Any) -> Message:
    """The answer of a method, from its JSON."""
    from google.protobuf import json_format

    return json_format.ParseDict(content, types_of(rpc)[1]())


@asynccontextmanager
async def connected(fake: FakeManager, **more: Any) -> AsyncIterator[MCPManager]:
    """A client of it."""
    async with MCPManager(fake.config(**more)) as manager:
        yield manager


__all__ = ["Context", "FakeManager", "connected", "message", "refuse", "request"]
