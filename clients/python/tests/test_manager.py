"""The package against a real manager, embedded: what the README of the project promises, from a Python program."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from servers import hear, plain, release

from mcp_manager import (
    AlreadyExists,
    CircuitOpen,
    Conflict,
    Event,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Snapshot,
    Synced,
    Unauthenticated,
    create_manager,
    create_manager_sync,
)


async def test_two_servers_are_deployed_called_watched_broken_and_rolled_back() -> None:
    async with create_manager({"embedded": True}) as manager, aclosing(manager.watch(["#"])) as events:
        first = asyncio.ensure_future(hear(events, lambda event: event.topic == "server.registered"))
        await asyncio.sleep(0)
        deployed = await manager.deploy_server(release("weather", 1))
        assert (deployed.created, deployed.deployment) == (True, "weather-1-1")
        assert (await first).server == "weather"
        await (await manager.deploy_server(plain("fragile"))).wait_ready()
        weather = await deployed.wait_ready()
        assert [server.name for server in await manager.list_servers()] == ["fragile", "weather"]
        assert (await weather.execute_tool("which")).text == "1"
        assert (await manager.execute_tool("fragile", "echo", {"id": 2**60 + 1})).text == '{"id":1152921504606846977}'

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
        async with aclosing(manager.watch(["breaker.*"])) as events:
            heard = asyncio.ensure_future(hear(events, lambda event: event.server == "files"))
            await asyncio.sleep(0.2)
            await manager.set_breaker("files", "open", "out of order")
            assert (await heard).topic == "breaker.state"
        with pytest.raises(CircuitOpen) as raised:
            await manager.execute_tool("files", "echo")
        assert raised.value.server == "files"


async def test_what_is_wrong_is_told_by_code_and_field() -> None:
    async with create_manager({"embedded": True}) as manager:
        with pytest.raises(InvalidArgument) as raised:
            await manager.deploy_server({**plain("files"), "replicas": 1_000})
        assert [field.path for field in raised.value.fields] == ["spec.replicas"]
        with pytest.raises(InvalidArgument, match="did you mean replicas"):
            await manager.deploy_server({**plain("files"), "replica": 2})
        with pytest.raises(NotFound) as missing:
            await manager.get_server("nobody")
        assert missing.value.code == "not_found"
        made = await manager.create_server(plain("files"))
        with pytest.raises(AlreadyExists):
            await manager.create_server(plain("files"))
        changed = await manager.deploy_server({**plain("files"), "replicas": 2}, if_revision=made.revision)
        with pytest.raises(Conflict):
            await manager.deploy_server(plain("files"), if_revision=made.revision)
        assert (await changed.refresh()).spec["replicas"] == 2
        assert (await manager.deploy_server({**plain("files"), "replicas": 3}, dry_run=True)).spec["replicas"] == 3
        assert (await manager.get_server("files")).spec["replicas"] == 2
        await changed.wait_ready()
        with pytest.raises(NotFound):
            await manager.execute_tool("files", "no_such_tool")


async def test_a_key_decides_what_may_be_done() -> None:
    async with create_manager({"embedded": True}) as manager:
        await (await manager.deploy_server(plain("files"))).wait_ready()
        key = (await manager.create_api_key("agent", ["caller"]))["key"]
        where = {"address": manager.address, "url": manager.url}
        async with create_manager({**where, "api_key": key}) as agent:
            assert not (await agent.execute_tool("files", "echo", {"a": 1})).is_error
            with pytest.raises(PermissionDenied):
                await agent.deploy_server(plain("mine"))
        async with create_manager({**where, "api_key": "wrong"}) as stranger:
            with pytest.raises(Unauthenticated):
                await stranger.list_servers()
        assert [one["metadata"]["name"] for one in await manager.list_api_keys()] == ["agent"]
        await manager.delete_api_key("agent")


async def test_servers_are_read_labelled_logged_and_taken_out() -> None:
    async with create_manager({"embedded": True}) as manager:
        server = await (await manager.deploy_server({**plain("files"), "labels": {"team": "a"}})).wait_ready()
        await manager.deploy_server({**plain("others"), "labels": {"team": "b"}})
        assert [one.name for one in await manager.list_servers(labels={"team": "a"})] == ["files"]
        assert {tool["name"] for tool in await server.list_tools()} >= {"echo", "slow"}
        assert [one["metadata"]["name"] for one in await manager.list_revisions("files")] == ["files-1"]
        assert len(await manager.list_replicas("files")) == 1
        assert [one["spec"]["server"] for one in await manager.list_deployments()] == ["others", "files"]
        assert [line.text async for line in manager.read_logs("files", tail=5)] == []
        assert (await manager.get_health())["status"] in ("ok", "degraded")
        assert (await manager.get_openapi())["openapi"] == "3.1.0"
        assert (await server.delete()).state == "draining"
        async with aclosing(manager.watch_servers()) as items:
            seen = []
            async for item in items:
                if isinstance(item, Synced):
                    break
                if isinstance(item, Snapshot):
                    seen.append(item.resource["metadata"]["name"])
        assert "others" in seen


async def test_a_watch_goes_on_over_a_restart_of_the_manager_without_a_gap(tmp_path: Path) -> None:
    config = {"embedded": True, "data_dir": tmp_path, "api_key": "the-admin-key-of-this-test"}
    async with create_manager(config) as manager:
        await manager.deploy_server({**plain("one"), "replicas": 0})
        port = int(manager.address.rpartition(":")[2])
        reader = create_manager({"address": manager.address, "api_key": "the-admin-key-of-this-test"})
        await reader.start()
        events = reader.watch(["server.registered"])
        heard = asyncio.ensure_future(hear(events, lambda event: event.server == "two"))
        await asyncio.sleep(0.2)
        await manager.deploy_server({**plain("two"), "replicas": 0})
        await heard
        rest = asyncio.ensure_future(hear(events, lambda event: True))
    async with create_manager({**config, "grpc_port": port}) as manager:
        await manager.deploy_server({**plain("three"), "replicas": 0})
        assert (await rest).server == "three"
    await events.aclose()
    await reader.close()


def test_a_program_without_an_event_loop_does_the_same() -> None:
    with create_manager_sync({"embedded": True}) as manager:
        server = manager.deploy_server(plain("files")).wait_ready()
        assert server.execute_tool("echo", {"a": 1}).text == '{"a":1}'
        assert [one.name for one in manager.list_servers()] == ["files"]
        topics = []
        for item in manager.watch_servers():
            topics.append(item.topic)
            if isinstance(item, Synced):
                manager.deploy_server({**plain("files"), "labels": {"team": "a"}, "replicas": 2})
            if isinstance(item, Event):
                break
        assert topics[:2] == ["snapshot", "synced"]
        with pytest.raises(NotFound):
            manager.get_server("nobody")
        assert [line.text for line in manager.read_logs("files")] == []
        assert manager.embedded is not None
        data_dir = manager.embedded.data_dir
    assert not data_dir.exists()
