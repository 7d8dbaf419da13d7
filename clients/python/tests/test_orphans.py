"""A manager never outlives the program that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from servers import ROOT, processes_with, until

PROGRAM = """
import asyncio, sys
from mcp_manager import create_manager
sys.path.insert(0, sys.argv[2])
from servers import plain

async def main():
    async with create_manager({"embedded": True, "data_dir": sys.argv[1]}) as manager:
        await (await manager.deploy_server(plain("files", sys.argv[1]))).wait_ready()
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes by /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_program_that_is_killed_leaves_no_manager_and_no_server(tmp_path: Path, how: signal.Signals) -> None:
    folder = str(tmp_path)
    tests = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder, tests], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    ) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
            assert len(processes_with(folder)) >= 3, "the program, its manager, the server"
        finally:
            program.send_signal(how)
            program.wait()
    until("no process is left", lambda: processes_with(folder) == [])
