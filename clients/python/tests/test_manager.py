"""The package against a real manager, embedded: what the README of the project promises, from a Python program."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from servers import plain, release

from mcp_manager import (
    AlreadyExists,
    Cancelled,
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    create_manager,
    create_manager_sync,
)


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
        lines = [line async for line in manager.read_logs("files", tail=1)]
        assert [line.text.startswith("started plain") for line in lines] == [True]
        assert (await manager.get_health())["status"] in ("ok", "degraded")
        assert (await manager.get_openapi())["openapi"].startswith("3.1.")
        assert (await server.delete()).state == "draining"


async def test_a_new_version_comes_by_a_deployment_and_goes_by_a_rollback() -> None:
    async with create_manager({"embedded": True}) as manager:
        weather = await (await manager.deploy_server(release("weather", 1))).wait_ready()
        second = await manager.deploy_server(release("weather", 2))
        assert second.deployment == "weather-2-1"
        await manager.wait_for_deployment(second.deployment)
        assert (await weather.execute_tool("which")).text == "2"
        assert (await manager.diff_revisions("weather", "weather-1", "weather-2"))["schema"]["class"] == "additive"
        back = await weather.rollback()
        await manager.wait_for_deployment(back["metadata"]["name"])
        assert (await weather.execute_tool("which")).text == "1"
        with pytest.raises(InvalidArgument, match="no tool added_2"):
            await weather.execute_tool("added_2")


async def test_a_deployment_that_waits_for_a_person_says_why_and_goes_on_when_told() -> None:
    async with create_manager({"embedded": True}) as manager:
        weather = await (await manager.deploy_server(release("weather", 1))).wait_ready()
        breaking = await manager.deploy_server(release("weather", 2, lacks=["echo"]))
        assert breaking.deployment is not None
        with pytest.raises(FailedPrecondition, match="is Paused, SchemaBreaking"):
            await manager.wait_for_deployment(breaking.deployment)
        with pytest.raises(FailedPrecondition):
            await manager.rollback_server("weather", "weather-2")
        await manager.promote_deployment(breaking.deployment, accept_breaking=True)
        await manager.wait_for_deployment(breaking.deployment)
        assert (await weather.execute_tool("which")).text == "2"


def test_a_program_without_an_event_loop_does_the_same() -> None:
    with create_manager_sync({"embedded": True}) as manager:
        server = manager.deploy_server(plain("files")).wait_ready()
        assert server.execute_tool("echo", {"a": 1}).raw["echo"] == {"a": 1}
        assert [one.name for one in manager.list_servers()] == ["files"]
        with pytest.raises(NotFound):
            manager.get_server("nobody")
        assert next(manager.read_logs("files")).text.startswith("started plain")
        assert manager.embedded is not None
        data_dir = manager.embedded.data_dir
    assert not data_dir.exists()
    with pytest.raises(FailedPrecondition, match="after its context"):
        manager.list_servers()
    manager.close()


def test_a_thread_that_waits_is_let_go_when_the_context_is_left() -> None:
    with ThreadPoolExecutor() as threads:
        with create_manager_sync({"embedded": True}) as manager:
            manager.deploy_server(plain("files")).wait_ready()
            lines = manager.read_logs("files", follow=True)
            assert next(lines).text.startswith("started plain")
            waiting = threads.submit(list, lines)
        with pytest.raises(Cancelled):
            waiting.result()
