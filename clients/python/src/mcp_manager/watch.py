"""A stream of events that outlives its connections: it goes on at the position that was reached, so that nothing stored is lost or
given twice.

Owns where the reader is. Which call brings the items is the caller's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from . import messages
from .calls import Calls
from .errors import Cancelled, Internal, ManagerError, Unavailable
from .events import Event, Missed, Reset, Snapshot, Synced, WatchItem

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_SILENCE = 60.0
"""Seconds without a message after which a connection counts as dead: the manager says where it is every 15."""


class _Reader:
    """Where the reader is: the position reached, and what was given since of the revision that is under way."""

    def __init__(self, after: str | None, has_snapshot: bool) -> None:
        self.position = after
        self.wants_snapshot = has_snapshot
        self._in_snapshot = has_snapshot
        self._revision: str | None = None
        self._given = 0
        self._skip = 0

    def reopen(self) -> Sequence[WatchItem]:
        """Prepares for another connection; what the reader has to be told of it."""
        self._skip, self._given = max(self._skip, self._given), 0
        if self._in_snapshot or self.position is not None:
            return ()
        # Nothing says where it was, so what happened in between is not to be had: what there is now takes its place.
        self.wants_snapshot = self._in_snapshot = True
        return (Reset(reason="unknown-position"),)

    def take(self, message: Any) -> WatchItem | None:
        """The item that a message is; None where it says nothing to the reader."""
        kind = message.WhichOneof("item")
        position: str | None = message.position if message.HasField("position") else None
        if kind == "event":
            item: WatchItem | None = self._event(messages.content(message.event), position)
        elif kind == "missed":
            item = Missed(count=int(message.missed.count))
        elif kind == "reset":
            self._in_snapshot = True
            item = Reset(reason=message.reset.reason)
        elif kind == "snapshot":
            item = Snapshot(resource=messages.content(message.snapshot))
        else:
            item = Synced(position=position) if self._in_snapshot and position is not None else None
        if position is not None:
            self.position = position
            self._given = self._skip = 0
            self.wants_snapshot = self._in_snapshot = False
        return item

    def _event(self, content: messages.JSON, position: str | None) -> Event | None:
        event = Event(**content, position=position)
        if event.revision is None:
            return event
        if event.revision != self._revision:
            self._revision, self._given, self._skip = event.revision, 0, 0
        self._given += 1
        return None if self._given <= self._skip else event


async def watch(
    calls: Calls, method: str, content: Mapping[str, Any], *, after: str | None, snapshot: bool, reconnect_for: float
) -> AsyncGenerator[WatchItem, None]:
    """Gives what happens until it is closed. Raises ManagerError when the manager refuses, cannot be reached at first, or does not come
    back within `reconnect_for` seconds."""
    reader = _Reader(after, snapshot)
    loop = asyncio.get_running_loop()
    pause = _FIRST_PAUSE
    was_open = False
    end = loop.time()

    def opened() -> None:
        nonlocal was_open, end
        was_open, end = True, loop.time() + reconnect_for

    while True:
        wants = {"after": reader.position, "snapshot": True if reader.wants_snapshot and method == "watch" else None}
        try:
            async with aclosing(calls.stream(method, {**content, **wants}, silence=_SILENCE, opened=opened)) as stream:
                async for message in stream:
                    pause, end = _FIRST_PAUSE, loop.time() + reconnect_for
                    item = reader.take(message)
                    if item is not None:
                        yield item
            error: ManagerError = Unavailable(f"{calls.target.address} ended the stream")
        except ManagerError as cause:
            error = cause
        wait = calls.pause(pause, error)
        if calls.is_closed or not was_open or not _is_passing(error) or loop.time() + wait > end:
            raise error
        await asyncio.sleep(wait)
        pause = min(pause * 2, _LONGEST_PAUSE)
        for item in reader.reopen():
            yield item


def _is_passing(error: ManagerError) -> bool:
    """Whether the manager may be there again in a moment. What cuts a connection in the middle is `internal` or `cancelled` to gRPC."""
    return error.retryable or isinstance(error, (Internal, Cancelled))
