"""Starting a manager of one's own, where that goes wrong. With a real one: test_manager.py."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import pytest

from mcp_manager import FailedPrecondition, InvalidArgument, Unavailable, create_manager
from mcp_manager.config import MCPConfig
from mcp_manager.embedded import EmbeddedManager, find_command

BROKEN = "import sys; print('cannot open the store', file=sys.stderr); sys.exit(3)"
MUTE = "import sys; print('still thinking', file=sys.stderr, flush=True); sys.stdin.read()"
STUBBORN = "import sys, time; print('MCP Manager 0 ready on http://127.0.0.1:1 and grpc://127.0.0.1:2', flush=True); time.sleep(600)"
DEAF = "print('MCP Manager 0 ready on http://127.0.0.1:1', flush=True); import sys; sys.stdin.read()"


def config(program: str, **more: object) -> MCPConfig:
    return MCPConfig.of({"embedded": True, "command": [sys.executable, "-c", program], **more})


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_one_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="ended with status 3") as raised:
        async with create_manager(config(BROKEN, data_dir=tmp_path)):
            pass
    assert raised.value.details["stderr"] == ["cannot open the store"]
    assert "cannot open the store" in str(raised.value)


async def test_one_that_does_not_become_ready_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"not ready within 0\.5 s\n  still thinking"):
        async with create_manager(config(MUTE, data_dir=tmp_path, start_timeout=0.5)):
            pass


async def test_one_without_grpc_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="no gRPC door"):
        async with create_manager(config(DEAF, data_dir=tmp_path)):
            pass


async def test_one_that_does_not_end_when_told_to_is_killed_in_time(tmp_path: Path) -> None:
    async with create_manager(config(STUBBORN, stop_timeout=0.2)) as manager:
        assert manager.embedded is not None
        pid, data_dir = manager.embedded.pid, manager.embedded.data_dir
        assert (manager.address, manager.mcp_url) == ("127.0.0.1:2", "http://127.0.0.1:1/mcp")
        assert data_dir.exists()
    assert not is_running(pid)
    assert not data_dir.exists(), "a temporary data directory goes with its manager"


async def test_cancelling_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    program = f"import os, sys; open({str(pids)!r}, 'w').write(str(os.getpid())); sys.stdin.read()"
    start = asyncio.ensure_future(EmbeddedManager.start(config(program), dict(os.environ)))
    while not pids.exists() or not pids.read_text():
        await asyncio.sleep(0.01)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert not is_running(int(pids.read_text()))


async def test_cancelling_the_end_leaves_nothing_behind_either() -> None:
    manager = await EmbeddedManager.start(config(STUBBORN, stop_timeout=60), dict(os.environ))
    stop = asyncio.ensure_future(manager.stop())
    await asyncio.sleep(0.05)
    stop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stop
    assert not is_running(manager.pid)


async def test_a_start_that_fails_afterwards_ends_it_too(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    program = f"import os; open({str(pids)!r}, 'w').write(str(os.getpid())); " + STUBBORN.replace("grpc://", "grpcs://")
    with pytest.raises(InvalidArgument, match="cannot read /no/such/file"):
        async with create_manager(config(program, ca_file="/no/such/file", stop_timeout=0.1)):
            pass
    assert not is_running(int(pids.read_text()))


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(FailedPrecondition, match="cannot start /no/such/program"):
        async with create_manager({"embedded": True, "command": ["/no/such/program"]}):
            pass


async def test_what_no_process_can_be_given_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(InvalidArgument, match=r"cannot start .*null byte"):
        async with create_manager(config(BROKEN, env={"TOKEN": "a\0b"})):
            pass
    assert list(tmp_path.iterdir()) == []


def test_the_program_is_the_named_one_then_the_paths_then_the_checkouts(tmp_path: Path) -> None:
    program = tmp_path / "mcp-manager"
    program.write_text("")
    program.chmod(0o755)
    in_path = {"PATH": str(tmp_path)}
    assert find_command(MCPConfig(), {**in_path, "MCP_MANAGER_COMMAND": "a 'b c'"}) == ["a", "b c"]
    assert find_command(MCPConfig(), in_path) == [str(program)]
    assert find_command(MCPConfig(), {"PATH": ""})[-1].endswith("packages/cli/bin/mcp-manager.js")


async def test_the_key_is_handed_on_and_the_clients_variables_are_not(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = f"import os; open({str(seen)!r}, 'w').write(repr(dict(os.environ)))"
    env = {**os.environ, "MCP_MANAGER_URL": "http://elsewhere", "MCP_MANAGER_API_KEY": "other", "MCP_MANAGER_COMMAND": "no"}
    with pytest.raises(Unavailable):
        await EmbeddedManager.start(config(program, api_key="mine", data_dir=tmp_path, env={"EXTRA": "1"}), env)
    text = seen.read_text()
    assert "'MCP_MANAGER_ADMIN_KEY': 'mine'" in text
    assert "'EXTRA': '1'" in text
    assert not [name for name in ("MCP_MANAGER_URL", "MCP_MANAGER_API_KEY", "MCP_MANAGER_COMMAND") if name in text]
