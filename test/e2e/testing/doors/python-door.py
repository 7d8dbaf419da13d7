"""The scenario's door through the Python package. Reads what to do from stdin, a JSON object a line, and answers in the same way."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from mcp_manager import Event, ManagerError, MCPManager, Synced, create_manager


def say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


class Door:
    """One method for each thing that a scenario does."""

    def __init__(self, manager: MCPManager) -> None:
        self.manager = manager
        self.watching: list[asyncio.Task[None]] = []

    async def deploy(self, name: str, spec: dict[str, Any]) -> str | None:
        return (await self.manager.deploy_server({"metadata": {"name": name}, "spec": spec})).deployment

    async def list(self) -> list[str]:
        return [server.name for server in await self.manager.list_servers()]

    async def get(self, name: str) -> Any:
        return (await self.manager.get_server(name)).resource

    async def deployment(self, name: str) -> Any:
        return await self.manager.get_deployment(name)

    async def call(self, server: str, tool: str) -> Any:
        return (await self.manager.execute_tool(server, tool)).raw

    async def rollback(self, server: str, to: str | None = None) -> str:
        return str((await self.manager.rollback_server(server, to))["metadata"]["name"])

    async def code_of_missing(self, name: str) -> str:
        try:
            await self.manager.get_server(name)
        except ManagerError as error:
            return error.code
        return "none"

    async def watch(self, topics: list[str]) -> None:
        """Answers when the stream is open."""
        is_open = asyncio.Event()

        async def read() -> None:
            async for item in self.manager.watch(topics=topics, snapshot=True):
                if isinstance(item, Synced):
                    is_open.set()
                if isinstance(item, Event):
                    say({"event": {"topic": item.topic, "server": item.server, "data": dict(item.data)}})

        self.watching.append(asyncio.create_task(read()))
        await is_open.wait()


async def answer(door: Door, line: str) -> None:
    asked = json.loads(line)
    try:
        say({"id": asked["id"], "result": await getattr(door, asked["what"])(*asked["args"])})
    except Exception as error:
        say({"id": asked["id"], "error": str(error)})


async def main() -> None:
    config = {"address": sys.argv[1], "api_key": os.environ["MCP_MANAGER_KEY"]}
    async with create_manager(config) as manager:
        door = Door(manager)
        while line := await asyncio.to_thread(sys.stdin.readline):
            await answer(door, line)
        for task in door.watching:
            task.cancel()
        await asyncio.gather(*door.watching, return_exceptions=True)


asyncio.run(main())
