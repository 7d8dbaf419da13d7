"""One call of the manager: its deadline, its credential, its retries, and its error in our words.

Owns the gRPC channel. Knows no operation by name but whether it may be repeated, and keeps nothing between calls.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from . import messages
from .config import MCPConfig, Target
from .errors import Cancelled, DeadlineExceeded, InvalidArgument, ManagerError, Unavailable, from_rpc
from .operations import REPEATABLE, RPCS

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0

_OPTIONS = (
    # A dead peer is noticed within this many milliseconds also while nothing is sent, as on a stream of events.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # Retries are ours: gRPC's own would also repeat what must not be.
    ("grpc.enable_retries", 0),
    # Channels to one address share no state: one that has just found nobody there would make another refuse without looking.
    ("grpc.use_local_subchannel_pool", 1),
    # A manager that comes back is found within a second, not within two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


class Calls:
    """The way to one manager. Belongs to the event loop that it was made in; closed by whoever made it."""

    def __init__(self, target: Target, config: MCPConfig) -> None:
        self.target: Target = target
        self._config = config
        self._channel = _open(target, config)
        self._metadata = () if target.api_key is None else (("authorization", f"Bearer {target.api_key}"),)
        self._random = random.Random()
        self.is_closed = False

    async def close(self) -> None:
        """Ends what is still under way: it raises `Cancelled`."""
        self.is_closed = True
        await self._channel.close()

    async def ask(self, method: str, content: Mapping[str, Any], timeout: float | None = None) -> Message:
        """Calls a method and gives its answer. `timeout` is in seconds, retries included; default: the configuration's.

        Raises ManagerError. Cancelling the task cancels the call, at the manager too.
        """
        rpc = RPCS[method]
        request = messages.request(rpc, content)
        call: grpc.aio.UnaryUnaryMultiCallable[Message, Message] = self._channel.unary_unary(
            messages.path_of(rpc),
            request_serializer=_serialize,
            response_deserializer=messages.types_of(rpc)[1].FromString,
        )
        loop = asyncio.get_running_loop()
        end = loop.time() + self.seconds(timeout)
        # With a revision it is no repetition: the first attempt may have been carried out, and then it is another.
        is_repeatable = method in REPEATABLE and content.get("ifRevision") is None
        tries_left = self._config.retries if is_repeatable else 0
        pause = _FIRST_PAUSE
        while True:
            try:
                left = end - loop.time()
                return await call(request, timeout=max(left, 0.001), metadata=self._metadata)
            except (asyncio.CancelledError, grpc.aio.UsageError):
                self._say_if_closed()
                raise
            except grpc.aio.AioRpcError as cause:
                error = from_rpc(cause, self.target.address)
                wait = self.pause(pause, error)
                is_worth_it = type(error) is Unavailable and tries_left > 0 and loop.time() + wait < end
                if not is_worth_it:
                    raise error from None
            tries_left -= 1
            pause = min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(wait)

    async def stream(
        self,
        method: str,
        content: Mapping[str, Any],
        *,
        timeout: float | None = None,
        silence: float | None = None,
        opened: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Message, None]:
        """Calls a method whose answer is a stream, and gives its messages as they come. Ends the call when it is closed.

        `timeout` bounds the whole of it, None not at all; `silence` is how many seconds may pass without a message; `opened` is called
        when the manager has been reached. Raises ManagerError.
        """
        rpc = RPCS.get(method, method)
        method_call: grpc.aio.UnaryStreamMultiCallable[Message, Message] = self._channel.unary_stream(
            messages.path_of(rpc),
            request_serializer=_serialize,
            response_deserializer=messages.types_of(rpc)[1].FromString,
        )
        request = messages.request(rpc, content)
        self._say_if_closed()
        call = method_call(request, timeout=timeout, metadata=self._metadata)
        try:
            await asyncio.wait_for(call.wait_for_connection(), silence)
            opened()
            while True:
                message = await asyncio.wait_for(call.read(), silence)
                if not isinstance(message, Message):
                    return  # grpc.aio.EOF
                yield message
        except asyncio.CancelledError:
            self._say_if_closed()
            raise
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, self.target.address) from None
        except asyncio.TimeoutError:
            raise DeadlineExceeded(f"nothing was heard of {self.target.address} for {silence} s") from None
        finally:
            call.cancel()

    def _say_if_closed(self) -> None:
        """gRPC ends the calls of a closed channel as if their tasks had been cancelled, which those have not."""
        if self.is_closed:
            raise Cancelled("the manager's context was left while the call was under way") from None

    def seconds(self, timeout: float | None) -> float:
        """The time that a call gets. Raises `InvalidArgument` where that is none."""
        value = self._config.timeout if timeout is None else timeout
        if value <= 0:
            raise InvalidArgument(f"a timeout of {value} s leaves no time: give a positive number of seconds")
        return value

    def pause(self, seconds: float, error: ManagerError) -> float:
        """How long to wait before the next attempt: what the manager asked for, and at least something up to `seconds`, so that many
        callers do not come back at once."""
        return max(error.retry_after or 0.0, seconds * (0.5 + self._random.random() / 2))


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _open(target: Target, config: MCPConfig) -> grpc.aio.Channel:
    if not target.is_secure:
        return grpc.aio.insecure_channel(target.address, options=_OPTIONS)
    try:
        read = [None if file is None else Path(file).read_bytes() for file in (config.ca_file, config.key_file, config.cert_file)]
    except OSError as error:
        raise InvalidArgument(f"cannot read {error.filename}: {error.strerror}") from error
    return grpc.aio.secure_channel(target.address, grpc.ssl_channel_credentials(*read), options=_OPTIONS)
