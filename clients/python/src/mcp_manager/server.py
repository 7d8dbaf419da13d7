"""A server as it was when it was asked for, and what is asked of it by name. Keeps nothing up to date by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import DeadlineExceeded, Unavailable
from .messages import JSON
from .results import ToolResult

if TYPE_CHECKING:
    from .server_operations import ServerOperations

_FIRST_LOOK = 0.05
_LONGEST_PAUSE = 1.0


class MCPServer:
    """A registered MCP server. Reading it costs nothing; methods ask the manager."""

    def __init__(self, manager: ServerOperations, resource: JSON, *, deployment: str | None = None, created: bool = False) -> None:
        self._manager = manager
        self.resource: JSON = resource
        """The whole Server as REST has it, camelCase names and all."""
        self.deployment: str | None = deployment
        """Of the answer to `deploy_server`: the Deployment that this began; None where nothing has to run otherwise."""
        self.created: bool = created
        """Of the answer to `deploy_server`: whether there was no such server before."""

    @property
    def name(self) -> str:
        """Its name, unique and fixed."""
        return str(self.resource["metadata"]["name"])

    @property
    def labels(self) -> Mapping[str, str]:
        """What people sort it by."""
        labels: Mapping[str, str] = self.resource["metadata"].get("labels", {})
        return labels

    @property
    def revision(self) -> str | None:
        """Store revision of its spec: give it to `deploy_server(if_revision=…)` to change only what was read."""
        revision: str | None = self.resource["metadata"].get("revision")
        return revision

    @property
    def spec(self) -> JSON:
        """What is wanted of it."""
        spec: JSON = self.resource.get("spec", {})
        return spec

    @property
    def status(self) -> JSON:
        """What is: state, replicas, traffic, breaker, the last failure."""
        status: JSON = self.resource.get("status", {})
        return status

    @property
    def state(self) -> str:
        """`pending`, `starting`, `ready`, `degraded`, `idle`, `failed` or `draining`."""
        return str(self.status.get("state", "pending"))

    async def refresh(self, *, timeout: float | None = None) -> MCPServer:
        """The same server as it is now. Raises `NotFound` when it is gone."""
        return await self._manager.get_server(self.name, timeout=timeout)

    async def wait_ready(self, *, timeout: float = 60.0) -> MCPServer:
        """The server once it takes calls. Raises `Unavailable` with its last failure when it has failed, `DeadlineExceeded` after
        `timeout` seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        pause = _FIRST_LOOK
        while True:
            now = await self.refresh(timeout=max(end - loop.time(), _FIRST_LOOK))
            if now.state in ("ready", "idle"):
                return now
            failure = now.status.get("lastFailure", {}).get("message", "it says nothing")
            if now.state == "failed":
                raise Unavailable(f"the server {self.name} has failed: {failure}", server=self.name, details=now.status)
            if loop.time() + pause > end:
                raise DeadlineExceeded(f"the server {self.name} is {now.state} after {timeout} s: {failure}", server=self.name)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def execute_tool(self, tool: str, arguments: Mapping[str, Any] | None = None, *, timeout: float | None = None) -> ToolResult:
        """Calls one of its tools; see `MCPManager.execute_tool`."""
        return await self._manager.execute_tool(self.name, tool, arguments, timeout=timeout)

    async def list_tools(self, *, timeout: float | None = None) -> list[JSON]:
        """Its tools as it describes them; see `MCPManager.list_tools`."""
        return await self._manager.list_tools(self.name, timeout=timeout)

    async def restart(self, *, timeout: float | None = None) -> MCPServer:
        """Restarts its replicas; see `MCPManager.restart_server`."""
        return await self._manager.restart_server(self.name, timeout=timeout)

    async def rollback(self, to: str | None = None, *, timeout: float | None = None) -> JSON:
        """Goes back to an earlier revision; see `MCPManager.rollback_server`."""
        return await self._manager.rollback_server(self.name, to, timeout=timeout)

    async def delete(self, *, force: bool = False, timeout: float | None = None) -> MCPServer:
        """Takes it out; see `MCPManager.delete_server`."""
        return await self._manager.delete_server(self.name, force=force, timeout=timeout)

    def __repr__(self) -> str:
        return f"MCPServer({self.name!r}, state={self.state!r})"
