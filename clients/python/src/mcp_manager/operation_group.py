"""What the groups of operations have in common: one call, and a list that comes in pages. Names no operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import messages
from .calls import Calls
from .errors import FailedPrecondition
from .messages import JSON

_PAGE = 100


def labels_text(labels: Mapping[str, str] | None) -> str | None:
    """Labels as a list is asked for by them; None for no matter which.

    >>> labels_text({"team": "forecast", "tier": "1"})
    'team=forecast,tier=1'
    """
    return ",".join(f"{key}={value}" for key, value in (labels or {}).items()) or None


class OperationGroup:
    """Operations over one connection. `MCPManager` is made of groups, a file for each subject."""

    _calls: Calls | None = None

    @property
    def calls(self) -> Calls:
        """The way to the manager. Raises `FailedPrecondition` outside of the context."""
        if self._calls is None:
            raise FailedPrecondition("there is no connection: use `async with create_manager(…) as manager`, or await manager.start()")
        return self._calls

    async def _ask(self, method: str, content: Mapping[str, Any], timeout: float | None) -> JSON:
        return messages.content(await self.calls.ask(method, content, timeout))

    async def _pages(self, method: str, content: Mapping[str, Any], limit: int | None, timeout: float | None) -> list[JSON]:
        """All pages one after the other, or the first `limit` items. The time is each page's."""
        items: list[JSON] = []
        cursor: str | None = None
        while limit is None or len(items) < limit:
            page = _PAGE if limit is None else min(_PAGE, limit - len(items))
            answer = await self._ask(method, {**content, "limit": page, "cursor": cursor}, timeout)
            items += answer.get("items", [])
            cursor = answer.get("nextCursor")
            if not cursor:
                break
        return items
