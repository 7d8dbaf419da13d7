"""A stream of events goes on over cuts: nothing stored is lost or given twice, and what was lost is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import grpc
import pytest
from fake_manager import Context, FakeManager, connected, message, refuse
from google.protobuf.message import Message

from mcp_manager import Cancelled, Event, FailedPrecondition, InvalidArgument, PermissionDenied, Unavailable


def event(number: int, *, revision: int | None = None, position: int | None = None) -> Message:
    content = {"topic": "server.changed", "at": "2026-01-01T00:00:00Z", "message": str(number), "severity": "info"}
    if revision is not None:
        content["revision"] = str(revision)
    place = {} if position is None else {"position": str(position)}
    return message("WatchEvents", event=content, **place)


def play(fake: FakeManager, *connections: Sequence[Message | str]) -> None:
    """Each connection gives its items and is cut; the last one stays."""
    number = 0

    async def stream(_: object, context: Context) -> AsyncIterator[Message]:
        nonlocal number
        number += 1
        for item in connections[number - 1]:
            if isinstance(item, str):
                await refuse(context, grpc.StatusCode.PERMISSION_DENIED, item, "no")
            else:
                yield item
        if number == len(connections):
            await asyncio.Event().wait()
        await context.abort(grpc.StatusCode.UNAVAILABLE, "cut")

    fake.answers["WatchEvents"] = stream


async def take(items: AsyncIterator[object], count: int) -> list[str]:
    taken: list[str] = []
    while len(taken) < count:
        item = await anext(items)
        taken.append(item.message if isinstance(item, Event) else item.topic)  # type: ignore[attr-defined]
    return taken


async def test_after_a_cut_it_goes_on_at_the_position_without_repeating_half_a_revision(fake: FakeManager) -> None:
    play(
        fake,
        [event(1, revision=4, position=4), event(2, revision=5), event(3)],
        [event(2, revision=5), event(4, revision=5, position=5), event(5, revision=6, position=6)],
        [event(6, revision=7, position=7)],
    )
    async with connected(fake) as manager, aclosing(manager.watch(["server.*"])) as items:
        assert await take(items, 6) == ["1", "2", "3", "4", "5", "6"]
    asked = [(request.after, list(request.topics), request.snapshot) for _, request in fake.asked]
    assert asked == [("", ["server.*"], False), ("4", ["server.*"], False), ("6", ["server.*"], False)]


async def test_a_second_cut_before_the_place_of_the_first_repeats_nothing(fake: FakeManager) -> None:
    first, second, last = event(1, revision=5), event(2, revision=5), event(3, revision=5, position=5)
    play(fake, [event(0, revision=4, position=4), first, second], [first], [first, second, last])
    async with connected(fake) as manager, aclosing(manager.watch()) as items:
        assert await take(items, 4) == ["0", "1", "2", "3"]


async def test_a_quiet_stream_moves_on_too(fake: FakeManager) -> None:
    play(fake, [message("WatchEvents", synced={}, position="9")], [event(1, revision=10, position=10)])
    async with connected(fake) as manager, aclosing(manager.watch()) as items:
        assert await take(items, 1) == ["1"]
    assert [request.after for _, request in fake.asked] == ["", "9"]


async def test_what_cannot_be_resumed_begins_anew_and_says_so(fake: FakeManager) -> None:
    server = message("WatchEvents", snapshot={"metadata": {"name": "weather"}})
    play(fake, [event(1)], [server, message("WatchEvents", synced={}, position="3"), event(2, revision=4, position=4)])
    async with connected(fake) as manager, aclosing(manager.watch()) as items:
        assert await take(items, 5) == ["1", "reset", "snapshot", "synced", "2"]
    assert [request.snapshot for _, request in fake.asked] == [False, True]


async def test_a_compacted_position_and_missed_events_are_told(fake: FakeManager) -> None:
    play(
        fake,
        [
            message("WatchEvents", reset={"reason": "compacted"}),
            message("WatchEvents", snapshot={"metadata": {"name": "weather"}}),
            message("WatchEvents", synced={}, position="3"),
            message("WatchEvents", missed={"count": 17}),
            message("WatchEvents", synced={}, position="4"),
            event(1),
        ],
    )
    async with connected(fake) as manager, aclosing(manager.watch(after="1")) as items:
        assert await take(items, 5) == ["reset", "snapshot", "synced", "missed", "1"]


async def test_it_comes_back_to_a_manager_that_was_restarted(fake: FakeManager) -> None:
    play(fake, [event(1, revision=1, position=1), event(2)], [event(3, revision=2, position=2)])
    async with connected(fake) as manager, aclosing(manager.watch()) as items:
        assert await take(items, 2) == ["1", "2"]
        await fake.stop()
        rest = asyncio.ensure_future(take(items, 1))
        await fake.start(fake.address)
        assert await rest == ["3"]


async def test_a_manager_that_does_not_come_back_is_given_up(fake: FakeManager) -> None:
    play(fake, [event(1, revision=1, position=1)], [])
    async with connected(fake, reconnect_for=0.5) as manager, aclosing(manager.watch()) as items:
        assert await take(items, 1) == ["1"]
        await fake.stop()
        with pytest.raises(Unavailable):
            await take(items, 1)


async def test_one_that_was_never_there_is_told_at_once() -> None:
    fake = FakeManager()
    fake.address = "127.0.0.1:1"
    async with connected(fake) as manager, aclosing(manager.watch()) as items:
        with pytest.raises(Unavailable):
            await take(items, 1)


async def test_a_refusal_ends_it(fake: FakeManager) -> None:
    play(fake, ["permission_denied"], [])
    async with connected(fake) as manager, aclosing(manager.watch()) as items:
        with pytest.raises(PermissionDenied):
            await take(items, 1)


async def test_what_is_no_text_is_refused_before_anything_is_sent(fake: FakeManager) -> None:
    async with connected(fake) as manager, aclosing(manager.watch([{}])) as items:  # type: ignore[list-item]
        with pytest.raises(InvalidArgument):
            await take(items, 1)
    assert fake.asked == []


async def test_leaving_the_context_ends_what_others_still_wait_for(fake: FakeManager) -> None:
    play(fake, [event(1)])
    async with connected(fake) as manager:
        items = manager.watch()
        assert await take(items, 1) == ["1"]
        rest = asyncio.ensure_future(take(items, 1))
        await asyncio.sleep(0)
    with pytest.raises(Cancelled):
        await rest
    with pytest.raises(FailedPrecondition):
        await manager.get_health()


async def test_closing_it_ends_the_call_at_the_manager(fake: FakeManager) -> None:
    ended = asyncio.Event()

    async def stream(_: object, __: Context) -> AsyncIterator[Message]:
        try:
            yield event(1)
            await asyncio.Event().wait()
        finally:
            ended.set()

    fake.answers["WatchEvents"] = stream
    async with connected(fake) as manager:
        async with aclosing(manager.watch()) as items:
            assert await take(items, 1) == ["1"]
        await ended.wait()
