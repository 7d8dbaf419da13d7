"""What can be asked of servers: the registry of them, their tools, their revisions, replicas and logs."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, cast

from . import messages
from ._gen.mcpmanager.v1.server_messages_pb2 import ExecuteToolResponse
from .errors import InvalidArgument
from .messages import JSON
from .operation_group import OperationGroup, labels_text
from .resources import server_resource
from .results import LogLine, ToolResult
from .server import MCPServer


class ServerOperations(OperationGroup):
    """Operations under a server's name. `timeout` is in seconds everywhere; all raise ManagerError."""

    async def deploy_server(
        self,
        server: Mapping[str, Any],
        *,
        dry_run: bool = False,
        if_revision: str | None = None,
        timeout: float | None = None,
    ) -> MCPServer:
        """Registers a server, or changes one; what has to run otherwise is brought in by a deployment, whose name is in the answer.

        Args:
            server: A Server as REST has it, or in short: `{"name": "files", "command": "npx", "args": [...]}`,
                `{"name": "weather", "url": "https://…"}`, other fields of its spec beside them.
            dry_run: Check and answer as if, change nothing.
            if_revision: The `revision` that was read; the change is made only if nobody made another since.

        Raises:
            InvalidArgument: With the fields that were wrong in `fields`.
            Conflict: It is not at `if_revision` any more.
            PermissionDenied: A server that runs a command needs the role admin.
        """
        content = {"server": server_resource(server), "dryRun": dry_run, "ifRevision": if_revision}
        answer = await self._ask("deploy_server", content, timeout)
        deployment: str | None = answer.get("deployment")
        return MCPServer(self, answer["server"], deployment=deployment, created=answer.get("created", False))

    async def create_server(self, server: Mapping[str, Any], *, dry_run: bool = False, timeout: float | None = None) -> MCPServer:
        """Registers a server, written as for `deploy_server`. Raises `AlreadyExists` when the name is taken."""
        content = {"server": server_resource(server), "dryRun": dry_run}
        return MCPServer(self, await self._ask("create_server", content, timeout), created=True)

    async def get_server(self, name: str, *, timeout: float | None = None) -> MCPServer:
        """Reads a server: what is wanted and what is. Raises `NotFound`."""
        return MCPServer(self, await self._ask("get_server", {"name": name}, timeout))

    async def list_servers(self, *, labels: Mapping[str, str] | None = None, timeout: float | None = None) -> list[MCPServer]:
        """All servers by name, or those that carry all of these labels."""
        content = {"labels": labels_text(labels)}
        seconds = self.calls.seconds(timeout)
        async with aclosing(self.calls.stream("list_servers", content, timeout=seconds)) as stream:
            return [MCPServer(self, messages.content(message)) async for message in stream]

    async def delete_server(
        self, name: str, *, force: bool = False, if_revision: str | None = None, timeout: float | None = None
    ) -> MCPServer:
        """Takes a server out: it gets no new calls, those in flight finish unless it is forced, then it is gone. Raises `NotFound`."""
        content = {"name": name, "force": force, "ifRevision": if_revision}
        return MCPServer(self, await self._ask("delete_server", content, timeout))

    async def restart_server(self, name: str, *, replica: str | None = None, timeout: float | None = None) -> MCPServer:
        """Restarts its replicas one after the other, or one of them; no accepted call is lost. Raises `NotFound`."""
        return MCPServer(self, await self._ask("restart_server", {"name": name, "replica": replica}, timeout))

    async def set_breaker(self, name: str, state: str, reason: str | None = None, *, timeout: float | None = None) -> MCPServer:
        """Holds a server's breaker `open` or `closed`, with a reason for whoever wonders later, or leaves it to itself: `auto`."""
        content = {"name": name, "state": state, "reason": reason}
        return MCPServer(self, await self._ask("set_breaker", content, timeout))

    async def create_deployment(
        self,
        name: str,
        *,
        source: Mapping[str, Any] | None = None,
        strategy: Mapping[str, Any] | None = None,
        accept_breaking: bool = False,
        timeout: float | None = None,
    ) -> JSON:
        """Deploys another source, or by another strategy; what is absent stays as it is. Gives the Deployment. Raises `NotFound`."""
        content = {"name": name, "source": source, "strategy": strategy, "acceptBreaking": accept_breaking}
        return await self._ask("create_deployment", content, timeout)

    async def rollback_server(self, name: str, to: str | None = None, *, timeout: float | None = None) -> JSON:
        """Goes back to a revision that was stable before, at once; default: the one before the present. Gives the Deployment.

        Raises `NotFound`, and `FailedPrecondition` where there is nothing to go back to.
        """
        return await self._ask("rollback_server", {"name": name, "to": to}, timeout)

    async def list_server_deployments(self, name: str, *, limit: int | None = None, timeout: float | None = None) -> list[JSON]:
        """A server's deployments, newest first. Raises `NotFound`."""
        return await self._pages("list_server_deployments", {"name": name}, limit, timeout)

    async def list_revisions(self, name: str, *, limit: int | None = None, timeout: float | None = None) -> list[JSON]:
        """A server's revisions, newest first. Raises `NotFound`."""
        return await self._pages("list_revisions", {"name": name}, limit, timeout)

    async def diff_revisions(
        self, name: str, from_revision: str | None = None, to_revision: str | None = None, *, timeout: float | None = None
    ) -> JSON:
        """What two revisions differ in: what runs, and what clients see of it. Default: the stable and the newest one."""
        return await self._ask("diff_revisions", {"name": name, "from": from_revision, "to": to_revision}, timeout)

    async def list_replicas(self, name: str, *, limit: int | None = None, timeout: float | None = None) -> list[JSON]:
        """A server's replicas, newest first. Raises `NotFound`."""
        return await self._pages("list_replicas", {"name": name}, limit, timeout)

    async def list_tools(self, name: str, *, timeout: float | None = None) -> list[JSON]:
        """A server's tools as it describes them (MCP Tool). Raises `NotFound`, `Unavailable`, `CircuitOpen`."""
        items: list[JSON] = (await self._ask("list_tools", {"name": name}, timeout)).get("items", [])
        return items

    async def execute_tool(
        self,
        server: str,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> ToolResult:
        """Calls a tool and gives its result as it came, also when that says `is_error`. Never repeated by itself.

        Args:
            server: Name of the server.
            tool: The server's own name of the tool.
            arguments: What JSON can write; integers of any length arrive as they are.
            timeout: Seconds. The server's own `limits.callTimeout` holds too.

        Raises:
            NotFound: There is no such server, or this key may not use it.
            InvalidArgument: The server refused the call: it has no such tool, or the arguments are not what the tool takes.
            CircuitOpen: The server fails and is left alone; `retry_after` says for how long.
            Unavailable, ResourceExhausted, ProtocolError, DeadlineExceeded: As their names say.
        """
        try:
            text = json.dumps(dict(arguments or {}), ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"the arguments of {tool} are no JSON: {error}") from None
        content = {"server": server, "tool": tool, "raw": True, "argumentsJson": b64encode(text).decode()}
        answer = await self.calls.ask("execute_tool", content, timeout)
        return ToolResult.of(cast(ExecuteToolResponse, answer).result_json)

    async def read_logs(
        self, name: str, *, tail: int = 100, follow: bool = False, replica: str | None = None
    ) -> AsyncGenerator[LogLine, None]:
        """What its replicas wrote to stderr: the last `tail` lines, 0 to 10,000, and what follows for as long as it is read."""
        content = {"name": name, "tail": tail, "follow": follow, "replica": replica}
        async with aclosing(self.calls.stream("read_logs", content)) as stream:
            async for message in stream:
                line = messages.content(message)
                yield LogLine(line.get("replica", ""), line.get("at", ""), line.get("text", ""))
