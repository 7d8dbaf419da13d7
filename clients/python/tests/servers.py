"""Servers to deploy, and what a test waits for. The servers are those of the repository's end-to-end tests."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from mcp_manager import Event, Synced, WatchItem

ROOT = Path(__file__).resolve().parents[3]
_TESTING = ROOT / "test" / "e2e" / "testing"
_PATIENCE = 60.0


def release(name: str, version: int, **more: Any) -> dict[str, Any]:
    """A server of which there are versions: `which` answers with the version, `echo` with its arguments."""
    args = [str(_TESTING / "release-server.mjs"), json.dumps({"version": version, **more})]
    return {"name": name, "command": "node", "args": args, "strategy": {"kind": "rolling", "minReady": "0s"}}


def plain(name: str, tag: str = "") -> dict[str, Any]:
    """A server with the tools echo, slow, pid and exit; the tag is among its arguments."""
    return {"name": name, "command": "node", "args": [str(_TESTING / "server.mjs"), "plain", tag]}


async def hear(items: AsyncIterator[WatchItem], matches: Callable[[Event], bool]) -> Event:
    """The next event that matches."""

    async def next_one() -> Event:
        async for item in items:
            if isinstance(item, Event) and matches(item):
                return item
        raise AssertionError("the stream ended")

    return await asyncio.wait_for(next_one(), _PATIENCE)


async def opened(items: AsyncIterator[WatchItem]) -> None:
    """Waits until a stream that begins with a snapshot has come to what happens from now on."""

    async def first() -> None:
        async for item in items:
            if isinstance(item, Synced):
                return

    await asyncio.wait_for(first(), _PATIENCE)


def processes_with(text: str) -> list[int]:
    """Pids of the processes whose command line contains the text; zombies have none."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in command:
                found.append(int(folder.name))
    return found


def until(what: str, is_so: Callable[[], bool]) -> None:
    """Waits for a condition; fails after a minute."""
    end = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"it never came: {what}"
        time.sleep(0.02)
