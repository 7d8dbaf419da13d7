"""What a manager says as it happens: the items of a stream, one class each. Data only; watch.py brings them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from .messages import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    topic: str
    """`noun.what`: `server.failed`, `deployment.phase`, `breaker.state` …"""
    at: str
    """RFC 3339."""
    message: str
    """What changed, in one sentence, without secrets."""
    severity: str
    """`info`, or `warning`: somebody should look."""
    revision: str | None = None
    """Store revision of the change; None for what is said once and kept nowhere."""
    server: str | None = None
    """Name of the server it happened to; None: to the manager, or to what `data` names."""
    replica: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """Facts for programs: `from` and `to` of a state, a reason, a number."""
    resource: JSON | None = None
    """The server as the change left it; only of stored `server.*` events, and None when it is gone."""
    position: str | None = None
    """Give it to `watch(after=…)` to go on with exactly what came after; on the last event of its store revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """So many passing events came faster than they were read. Stored ones never are missed."""

    count: int
    topic: Literal["missed"] = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """There was no going on from the position; snapshots of what there is now follow."""

    reason: str
    """`compacted` or `unknown-position`."""
    topic: Literal["reset"] = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A server as it is at the position of the next `Synced`."""

    resource: JSON
    topic: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The snapshots are complete: what follows are changes of them."""

    position: str
    topic: Literal["synced"] = "synced"


WatchItem = Union[Event, Missed, Reset, Snapshot, Synced]
"""Whatever `watch` gives. Each has a `topic`, so that a program that wants events alone can go by that."""
