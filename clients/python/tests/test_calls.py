"""One call: credential, deadline, cancellation, retries, and what an error says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from fake_manager import Context, FakeManager, connected, message, refuse
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from mcp_manager import (
    CircuitOpen,
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    MCPManager,
    NotFound,
    Unavailable,
    create_manager,
)


async def test_every_call_shows_the_key(fake: FakeManager) -> None:
    async def health(_: object, __: Context) -> Message:
        return message("GetHealth", status="ok")

    fake.answers["GetHealth"] = health
    async with connected(fake) as manager:
        assert await manager.get_health() == {"status": "ok"}
    assert fake.keys == ["Bearer the-key"]


async def test_an_error_is_raised_with_code_fields_server_and_wait(fake: FakeManager) -> None:
    async def get(request: object, context: Context) -> Message:
        fields = error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field="spec.source", description="given 5, expected one of process, remote")
            ]
        )
        wait = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000))
        await refuse(
            context,
            grpc.StatusCode.INVALID_ARGUMENT,
            "invalid_argument",
            "no",
            fields,
            wait,
            server="weather",
            reason="NO_SOURCE",
            revision="3",
        )
        raise AssertionError

    fake.answers["GetServer"] = get
    async with connected(fake) as manager:
        with pytest.raises(InvalidArgument) as raised:
            await manager.get_server("weather")
    error = raised.value
    assert (error.code, error.server, error.retry_after, error.details) == ("invalid_argument", "weather", 2.5, {"revision": "3"})
    assert error.reason == "NO_SOURCE"
    assert [(field.path, field.given, field.expected) for field in error.fields] == [("spec.source", "5", "one of process, remote")]
    assert str(error) == "no\n  spec.source: one of process, remote"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (grpc.StatusCode.NOT_FOUND, "not_found", NotFound),
        (grpc.StatusCode.ABORTED, "conflict", Conflict),
        (grpc.StatusCode.UNAVAILABLE, "circuit_open", CircuitOpen),
        (grpc.StatusCode.FAILED_PRECONDITION, "failed_precondition", FailedPrecondition),
    ],
)
async def test_codes_are_told_apart_also_where_grpc_has_one_for_both(
    fake: FakeManager, status: grpc.StatusCode, code: str, kind: type[Exception]
) -> None:
    async def get(request: object, context: Context) -> Message:
        await refuse(context, status, code, "no")
        raise AssertionError

    fake.answers["GetServer"] = get
    async with connected(fake) as manager:
        with pytest.raises(kind):
            await manager.get_server("weather")
    assert len(fake.asked) == 1, "none of these is tried again"


def unavailable_at_first(fake: FakeManager, rpc: str, times: int, **answer: object) -> None:
    """Makes a method fail so often before it answers."""

    async def reply(_: object, context: Context) -> Message:
        if len(fake.asked) <= times:
            await refuse(context, grpc.StatusCode.UNAVAILABLE, "unavailable", "not now")
        return message(rpc, **answer)

    fake.answers[rpc] = reply


async def test_what_may_be_repeated_is_tried_again_while_the_manager_is_away(fake: FakeManager) -> None:
    unavailable_at_first(fake, "GetServer", 2, metadata={"name": "weather"})
    async with connected(fake) as manager:
        assert (await manager.get_server("weather")).name == "weather"
    assert len(fake.asked) == 3


async def test_retries_end(fake: FakeManager) -> None:
    unavailable_at_first(fake, "GetServer", 99)
    async with connected(fake, retries=1) as manager:
        with pytest.raises(Unavailable, match="not now"):
            await manager.get_server("weather")
    assert len(fake.asked) == 2


async def test_a_tool_is_never_called_twice(fake: FakeManager) -> None:
    unavailable_at_first(fake, "ExecuteTool", 1)
    async with connected(fake) as manager:
        with pytest.raises(Unavailable):
            await manager.execute_tool("weather", "forecast", {})
    assert len(fake.asked) == 1


async def test_a_change_of_what_was_read_is_not_repeated(fake: FakeManager) -> None:
    unavailable_at_first(fake, "DeployServer", 1, server={"metadata": {"name": "a"}})
    async with connected(fake) as manager:
        with pytest.raises(Unavailable):
            await manager.deploy_server({"name": "a", "command": "x"}, if_revision="7")
        await manager.deploy_server({"name": "a", "command": "x"})


async def forever(_: object, __: Context) -> Message:
    """An answer that never comes."""
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_call_ends_at_its_deadline(fake: FakeManager) -> None:
    fake.answers["GetServer"] = forever
    async with connected(fake) as manager:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await manager.get_server("weather", timeout=0.2)
        assert time.monotonic() - started < 10
        with pytest.raises(InvalidArgument, match="a timeout of 0"):
            await manager.get_server("weather", timeout=0)


async def test_cancelling_the_task_ends_the_call_at_the_manager(fake: FakeManager) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def hang(_: object, __: Context) -> Message:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    fake.answers["ExecuteTool"] = hang
    async with connected(fake) as manager:
        task = asyncio.ensure_future(manager.execute_tool("weather", "forecast"))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ended.wait()


async def test_integers_of_any_length_arrive_as_they_are(fake: FakeManager) -> None:
    async def echo(asked: object, _: Context) -> Message:
        answer = message("ExecuteTool", isError=False)
        text = b'{"content":[],"structuredContent":' + asked.arguments_json + b"}"  # type: ignore[attr-defined]
        answer.result_json = text  # type: ignore[attr-defined]
        return answer

    fake.answers["ExecuteTool"] = echo
    async with connected(fake) as manager:
        result = await manager.execute_tool("weather", "forecast", {"id": 2**70 + 1})
        assert result.structured_content == {"id": 2**70 + 1}
        with pytest.raises(InvalidArgument, match="are no JSON"):
            await manager.execute_tool("weather", "forecast", {"id": float("nan")})


async def test_lists_are_read_to_their_end_or_to_the_limit(fake: FakeManager) -> None:
    async def page(asked: object, _: Context) -> Message:
        start = int(asked.cursor or "0")  # type: ignore[attr-defined]
        items = [{"metadata": {"name": f"d-{start + at}"}} for at in range(asked.limit)]  # type: ignore[attr-defined]
        end = start + len(items)
        return message("ListDeployments", items=items, **({"nextCursor": str(end)} if end < 300 else {}))

    fake.answers["ListDeployments"] = page
    async with connected(fake) as manager:
        assert len(await manager.list_deployments()) == 300
        assert len(await manager.list_deployments(limit=120)) == 120


async def test_a_wrong_address_is_unavailable_and_named() -> None:
    async with create_manager({"address": "127.0.0.1:1", "api_key": "k", "retries": 0}) as manager:
        with pytest.raises(Unavailable, match=r"at 127\.0\.0\.1:1"):
            await manager.get_health()


async def test_outside_of_its_context_a_manager_says_how_to_enter_it() -> None:
    manager: MCPManager = create_manager({"address": "127.0.0.1:1"})
    with pytest.raises(FailedPrecondition, match="async with"):
        await manager.get_health()
    with pytest.raises(FailedPrecondition, match="async with"):
        _ = manager.url
    await manager.close()


async def test_a_manager_that_asks_to_come_back_at_once_is_not_asked_without_rest(fake: FakeManager) -> None:
    async with connected(fake) as manager:
        assert manager.calls.pause(0.1, Unavailable("no", retry_after=0.0)) >= 0.05
        assert manager.calls.pause(0.1, Unavailable("no", retry_after=7.0)) == 7.0


async def test_a_stream_that_never_begins_is_silence_too(fake: FakeManager) -> None:
    async def mute(_: Any, context: Context) -> AsyncIterator[Message]:
        await asyncio.sleep(600)
        yield message("WatchEvents")

    fake.answers["WatchEvents"] = mute
    async with connected(fake) as manager:
        stream = manager.calls.stream("watch", {}, silence=0.2)
        with pytest.raises(DeadlineExceeded, match="nothing was heard of"):
            await asyncio.wait_for(anext(stream), 10)
