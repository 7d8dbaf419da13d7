"""MCP Manager from Python: register MCP servers, call their tools, watch what happens; over gRPC, `async` first.

>>> async def main() -> None:
...     async with create_manager({"embedded": True}) as manager:
...         server = await manager.deploy_server({"name": "files", "command": "npx", "args": ["-y", "files-mcp"]})
"""

from .config import MCPConfig
from .embedded import EmbeddedManager
from .errors import (
    AlreadyExists,
    Cancelled,
    CircuitBreakerOpen,
    CircuitOpen,
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    FieldError,
    Internal,
    InvalidArgument,
    ManagerError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    ResourceExhausted,
    ServerNotFound,
    Unauthenticated,
    Unavailable,
)
from .errors import ConnectionError as ConnectionError  # noqa: A004 - see errors.py
from .events import Event, Missed, Reset, Snapshot, Synced, WatchItem
from .manager import MCPManager, create_manager
from .operations import OPERATIONS
from .results import LogLine, ToolResult
from .server import MCPServer
from .sync import SyncManager, SyncServer, create_manager_sync

__version__ = "0.1.0"

__all__ = [
    "OPERATIONS",
    "AlreadyExists",
    "Cancelled",
    "CircuitBreakerOpen",
    "CircuitOpen",
    "Conflict",
    "DeadlineExceeded",
    "EmbeddedManager",
    "Event",
    "FailedPrecondition",
    "FieldError",
    "Internal",
    "InvalidArgument",
    "LogLine",
    "MCPConfig",
    "MCPManager",
    "MCPServer",
    "ManagerError",
    "Missed",
    "NotFound",
    "PermissionDenied",
    "ProtocolError",
    "Reset",
    "ResourceExhausted",
    "ServerNotFound",
    "Snapshot",
    "SyncManager",
    "SyncServer",
    "Synced",
    "ToolResult",
    "Unauthenticated",
    "Unavailable",
    "WatchItem",
    "create_manager",
    "create_manager_sync",
]
