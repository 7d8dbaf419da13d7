"""The blocking façade where threads meet. With a real manager: test_manager.py."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mcp_manager import Cancelled, FailedPrecondition
from mcp_manager.sync import _Loop


def test_a_call_that_comes_while_the_loop_ends_is_refused_and_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = _Loop()
    join = loop._thread.join
    raised: list[BaseException] = []

    def late() -> None:
        try:
            loop.run(asyncio.sleep(0))
        except BaseException as error:
            raised.append(error)

    def join_late(timeout: float | None = None) -> None:
        join(timeout)
        other = threading.Thread(target=late, daemon=True)
        other.start()
        other.join(5)

    monkeypatch.setattr(loop._thread, "join", join_late)
    loop.close()
    assert [type(error) for error in raised] == [FailedPrecondition]


def test_calls_from_many_threads_end_in_words_whenever_the_loop_ends() -> None:
    loop = _Loop()

    def ask(_: int) -> Any:
        try:
            return loop.run(asyncio.sleep(0.001, "done"))
        except (Cancelled, FailedPrecondition) as error:
            return type(error)

    with ThreadPoolExecutor(16) as threads:
        asked = threads.map(ask, range(500), timeout=30)
        threading.Timer(0.01, loop.close).start()
        assert set(asked) <= {"done", Cancelled, FailedPrecondition}
