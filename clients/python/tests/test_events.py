"""What a real manager says as it happens, heard from a Python program while servers come, break and go back."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from servers import hear, opened, plain, release

from mcp_manager import (
    CircuitOpen,
    Event,
    Snapshot,
    Synced,
    create_manager,
    create_manager_sync,
)


async def test_two_servers_are_deployed_called_watched_broken_and_rolled_back() -> None:
    async with create_manager({"embedded": True}) as manager, aclosing(manager.watch(snapshot=True)) as events:
        await opened(events)
        first = asyncio.ensure_future(hear(events, lambda event: event.topic == "server.registered"))
        deployed = await manager.deploy_server(release("weather", 1))
        assert (deployed.created, deployed.deployment) == (True, "weather-1-1")
        assert (await first).server == "weather"
        await (await manager.deploy_server(plain("fragile"))).wait_ready()
        weather = await deployed.wait_ready()
        assert [server.name for server in await manager.list_servers()] == ["fragile", "weather"]
        assert (await weather.execute_tool("which")).text == "1"
        assert (await manager.execute_tool("fragile", "echo", {"id": 2**60 + 1})).raw["echo"] == {"id": 2**60 + 1}

        fails = asyncio.ensure_future(hear(events, lambda event: event.server == "fragile" and event.severity == "warning"))
        with pytest.raises(Exception, match="fragile"):
            await manager.execute_tool("fragile", "exit")
        assert "exit" in (await fails).message

        second = await manager.deploy_server(release("weather", 2))
        assert second.deployment == "weather-2-1"
        await manager.wait_for_deployment(second.deployment)
        assert (await manager.execute_tool("weather", "which")).text == "2"
        back = await manager.rollback_server("weather")
        await manager.wait_for_deployment(back["metadata"]["name"])
        assert (await manager.execute_tool("weather", "which")).text == "1"
        phases = await hear(events, lambda event: event.topic == "deployment.phase" and event.data.get("to") == "Completed")
        assert phases.revision is not None


async def test_a_breaker_that_is_held_open_is_an_error_of_its_own_and_an_event() -> None:
    async with create_manager({"embedded": True}) as manager:
        await (await manager.deploy_server(plain("files"))).wait_ready()
        async with aclosing(manager.watch(["breaker.*"], snapshot=True)) as events:
            await opened(events)
            heard = asyncio.ensure_future(hear(events, lambda event: event.server == "files"))
            await manager.set_breaker("files", "open", "out of order")
            assert (await heard).topic == "breaker.state"
        with pytest.raises(CircuitOpen) as raised:
            await manager.execute_tool("files", "echo")
        assert raised.value.server == "files"


async def test_a_watch_goes_on_over_a_restart_of_the_manager_without_a_gap(tmp_path: Path) -> None:
    config = {"embedded": True, "data_dir": tmp_path, "api_key": "the-admin-key-of-this-test"}
    async with create_manager(config) as manager:
        await manager.deploy_server({**plain("one"), "replicas": 0})
        port = int(manager.address.rpartition(":")[2])
        reader = create_manager({"address": manager.address, "api_key": "the-admin-key-of-this-test"})
        await reader.start()
        events = reader.watch(["server.registered"], snapshot=True)
        await opened(events)
        await manager.deploy_server({**plain("two"), "replicas": 0})
        position = (await hear(events, lambda event: event.server == "two")).position
        rest = asyncio.ensure_future(hear(events, lambda event: True))
    async with create_manager({**config, "grpc_port": port}) as manager:
        await manager.deploy_server({**plain("three"), "replicas": 0})
        assert (await rest).server == "three"
        async with aclosing(manager.watch(["server.registered"], after=position)) as later:
            assert (await hear(later, lambda event: True)).server == "three"
    await events.aclose()
    await reader.close()


async def test_watching_servers_begins_with_what_they_are() -> None:
    async with create_manager({"embedded": True}) as manager:
        await manager.deploy_server(plain("files"))
        async with aclosing(manager.watch_servers(["files"])) as items:
            seen = []
            async for item in items:
                if isinstance(item, Synced):
                    break
                if isinstance(item, Snapshot):
                    seen.append(item.resource["metadata"]["name"])
        assert seen == ["files"]


def test_a_program_without_an_event_loop_watches_too() -> None:
    with create_manager_sync({"embedded": True}) as manager:
        manager.deploy_server(plain("files"))
        topics = []
        for item in manager.watch_servers():
            topics.append(item.topic)
            if isinstance(item, Synced):
                manager.deploy_server({**plain("files"), "labels": {"team": "a"}, "replicas": 2})
            if isinstance(item, Event):
                break
        assert topics[:2] == ["snapshot", "synced"]
