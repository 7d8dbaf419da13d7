"""What tests share: a fake manager for each that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fake_manager import FakeManager


@pytest.fixture
async def fake() -> AsyncIterator[FakeManager]:
    manager = FakeManager()
    await manager.start()
    yield manager
    await manager.stop()
