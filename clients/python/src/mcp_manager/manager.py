"""The manager as a Python object: every operation as a coroutine, and the connection, with the embedded process, as a context."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any

from .access_operations import AccessOperations
from .calls import Calls
from .config import MCPConfig, Target, find_target
from .deployment_operations import DeploymentOperations
from .embedded import EmbeddedManager
from .errors import FailedPrecondition
from .events import WatchItem
from .messages import JSON
from .server_operations import ServerOperations
from .watch import watch
from .webhook_operations import WebhookOperations


class MCPManager(ServerOperations, DeploymentOperations, WebhookOperations, AccessOperations):
    """One manager. Made by `create_manager`; its methods work inside of its context, in the event loop that entered it.

    All methods raise ManagerError. `timeout` is in seconds; where it is left out, `MCPConfig.timeout` holds.
    """

    def __init__(self, config: MCPConfig) -> None:
        self.config: MCPConfig = config
        self._embedded: EmbeddedManager | None = None
        self._target: Target | None = None

    async def start(self) -> None:
        """Enters the context: starts the embedded manager, where one was asked for, and opens a connection. A manager that runs is not
        asked anything yet. Raises `FailedPrecondition` when it was entered before."""
        if self._calls is not None:
            raise FailedPrecondition("this manager has been started already")
        env = dict(os.environ)
        try:
            if self.config.embedded:
                self._embedded = await EmbeddedManager.start(self.config, env)
                self._target = self._embedded.target(self.config, env)
            else:
                self._target = find_target(self.config, env, Path.cwd())
            self._calls = Calls(self._target, self.config)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Leaves the context: ends the connection, and the embedded manager with all of its servers. May be called again."""
        calls, self._calls = self._calls, None
        embedded, self._embedded = self._embedded, None
        try:
            if calls is not None:
                await calls.close()
        finally:
            if embedded is not None:
                await embedded.stop()

    async def __aenter__(self) -> MCPManager:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @property
    def embedded(self) -> EmbeddedManager | None:
        """The child process, where this manager is one: its pid, its data directory, the end of its log."""
        return self._embedded

    @property
    def address(self) -> str:
        """`host:port` of its gRPC door. Raises `FailedPrecondition` before the start."""
        return self._where.address

    @property
    def url(self) -> str:
        """Its HTTP address. Raises `FailedPrecondition` before the start."""
        return self._where.url

    @property
    def mcp_url(self) -> str:
        """Where MCP clients find all servers, with `Authorization: Bearer <api_key>`."""
        return f"{self.url}/mcp"

    @property
    def api_key(self) -> str | None:
        """The key that is shown; None where there was none to be found."""
        return self._where.api_key

    @property
    def _where(self) -> Target:
        if self._target is None:
            raise FailedPrecondition("this manager has not been started: use `async with create_manager(…) as manager`")
        return self._target

    async def watch(
        self, topics: Sequence[str] = (), *, after: str | None = None, snapshot: bool = False
    ) -> AsyncGenerator[WatchItem, None]:
        """What happens, as it happens. Goes on by itself, exactly where it was, when the connection is cut or the manager restarts.

        Args:
            topics: Patterns: `server.failed`, `server.*`, `deployment.#`; words by dots, `*` is one word, `#` any number. Default: all.
            after: The `position` of an event: begin with exactly what came after it. Default: with what happens from now on.
            snapshot: Begin with the servers as they are.

        Yields:
            `Event`, and between them `Missed`, `Reset`, `Snapshot`, `Synced`; all have a `topic` to go by.

        Raises:
            InvalidArgument: A pattern or position that is none.
            Unavailable: It cannot be reached, or did not come back within `MCPConfig.reconnect_for` seconds.
        """
        content: JSON = {"topics": list(topics)}
        until = self.config.reconnect_for
        stream = watch(self.calls, "watch", content, after=after, snapshot=snapshot, reconnect_for=until)
        async with aclosing(stream) as items:
            async for item in items:
                yield item

    async def watch_servers(self, names: Sequence[str] = (), *, after: str | None = None) -> AsyncGenerator[WatchItem, None]:
        """The servers as they are (`Snapshot`, ended by `Synced`), then every change of them; of these names only, default: of all.

        With the `position` of an event in `after` it goes on from there instead. Else as `watch`.
        """
        content: JSON = {"names": list(names)}
        until = self.config.reconnect_for
        stream = watch(self.calls, "WatchServers", content, after=after, snapshot=after is None, reconnect_for=until)
        async with aclosing(stream) as items:
            async for item in items:
                yield item

    async def import_config(
        self,
        text: str,
        *,
        filename: str | None = None,
        replace: bool = False,
        dry_run: bool = False,
        timeout: float | None = None,
    ) -> JSON:
        """Takes over the servers of an MCP client's configuration; literal secrets become Secrets.

        Args:
            text: What the file says: JSON, JSONC, YAML or TOML.
            filename: Tells the format, and messages name it.
            replace: Change servers and secrets that are registered otherwise, instead of refusing them.
            dry_run: Check and answer as if, change nothing.

        Returns:
            `servers` with what became of each, `secrets`, `notes`.
        """
        content = {"text": text, "filename": filename, "replace": replace, "dryRun": dry_run}
        return await self._ask("import_config", content, timeout)

    async def diff_config(self, text: str, *, filename: str | None = None, timeout: float | None = None) -> JSON:
        """What would change if the configuration file held this text; changes nothing.

        Args:
            text: Ours in YAML or JSON, or a client's JSON.
            filename: What it is called, for mistakes in it; what ends in `.json` is JSON. Default: `servers.yaml`.

        Returns:
            `servers` with what would become of each, `restart` with the settings that would need one.
        """
        return await self._ask("diff_config", {"text": text, "filename": filename}, timeout)

    async def get_health(self, *, timeout: float | None = None) -> JSON:
        """How the manager and its servers are."""
        return await self._ask("get_health", {}, timeout)

    async def get_openapi(self, *, timeout: float | None = None) -> JSON:
        """The description of the same operations as REST, OpenAPI 3.1."""
        return await self._ask("get_openapi", {}, timeout)


def create_manager(config: MCPConfig | Mapping[str, Any] | None = None) -> MCPManager:
    """A manager to be entered: one that runs, or, with `embedded`, one of one's own.

    >>> import asyncio
    >>> async def main() -> None:
    ...     async with create_manager({"embedded": True}) as manager:
    ...         print(await manager.list_servers())
    >>> asyncio.run(main())
    []

    Args:
        config: An `MCPConfig`, or its fields. Default: the manager on this machine, with the key that the command line would find.

    Raises:
        InvalidArgument: A field that there is not.
    """
    return MCPManager(MCPConfig.of(config))
