"""What calls answer beside resources: a tool's result, a line of a log. Data only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from .messages import JSON


@dataclass(frozen=True, slots=True)
class ToolResult:
    """An MCP tool result as the server gave it, with all its digits.

    >>> ToolResult.of(b'{"content": [{"type": "text", "text": "sunny"}], "isError": false}').text
    'sunny'
    """

    content: Sequence[JSON]
    """The blocks: `{"type": "text", "text": …}`, images, links …"""
    is_error: bool
    """Whether the tool says that it failed. That is an answer, so nothing is raised."""
    structured_content: JSON | None = None
    """What tools with an output schema add for programs."""
    raw: JSON = field(default_factory=dict)
    """The whole of it, other members too."""

    @property
    def text(self) -> str:
        """The text blocks, a line break between them."""
        return "\n".join(str(block.get("text", "")) for block in self.content if block.get("type") == "text")

    @classmethod
    def of(cls, result: bytes) -> ToolResult:
        """A result from its JSON."""
        raw: JSON = json.loads(result)
        return cls(raw.get("content", []), raw.get("isError") is True, raw.get("structuredContent"), raw)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a replica wrote to stderr, without secrets."""

    replica: str
    at: str
    """RFC 3339."""
    text: str
