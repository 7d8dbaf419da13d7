"""A manager of one's own: a child process that is started, waited for, and ended with its owner.

It holds a pipe to this process (`up --exit-with-parent`), so that it also ends when this process is killed. Owns the process and, where
none was named, its data directory. Asks the manager nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from .config import MCPConfig, Target, read_admin_key
from .errors import FailedPrecondition, InvalidArgument, Unavailable

_READY = re.compile(r"\bready on (?P<url>https?://\S+)(?: and (?P<grpc>grpcs?://\S+))?")
_TAIL_LINES = 40
# For servers that a manager has started before it was given up.
_START_GRACE = 5.0
_LINE_MAX = 2_000
_PROGRAM = Path("packages", "cli", "bin", "mcp-manager.js")
# Of the command line and of this package; the manager has no use for them.
_NOT_ITS = ("MCP_MANAGER_COMMAND", "MCP_MANAGER_URL", "MCP_MANAGER_API_KEY")


class EmbeddedManager:
    """A running child process. Belongs to the event loop that it was started in."""

    def __init__(self, process: asyncio.subprocess.Process, data_dir: Path, is_temporary: bool, stop_timeout: float) -> None:
        self.data_dir: Path = data_dir
        """Where it keeps its state; gone with it when nobody named one."""
        self._process = process
        self._is_temporary = is_temporary
        self._stop_timeout = stop_timeout
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._url: str | None = None
        self._grpc_url: str | None = None
        self._ready = asyncio.Event()
        self._readers = [asyncio.ensure_future(self._read_output()), asyncio.ensure_future(self._read_log())]

    @classmethod
    async def start(cls, config: MCPConfig, env: Mapping[str, str]) -> EmbeddedManager:
        """Starts one and waits until it is ready.

        Raises `FailedPrecondition` where there is no program to start, `InvalidArgument` where no process can be given such arguments or
        variables, `Unavailable` with the last lines of its log when it ends or is not ready within `start_timeout` seconds; nothing is left
        running then.
        """
        command = find_command(config, env)
        is_temporary = config.data_dir is None
        data_dir = Path(tempfile.mkdtemp(prefix="mcp-manager-")) if config.data_dir is None else Path(config.data_dir).absolute()
        flags = ["--port", str(config.port), "--grpc-port", str(config.grpc_port), "--host", "127.0.0.1", "--data", str(data_dir)]
        if config.config_file is not None:
            flags += ["--config", os.fspath(config.config_file)]
        own = {**env, **config.env, **({} if config.api_key is None else {"MCP_MANAGER_ADMIN_KEY": config.api_key})}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                "up",
                "--exit-with-parent",
                *flags,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={name: value for name, value in own.items() if name not in _NOT_ITS},
                # Ctrl-C is the program's to hear; the manager ends in order afterwards, with calls in flight.
                start_new_session=True,
            )
        except OSError as error:
            _remove(data_dir, is_temporary)
            raise FailedPrecondition(f"cannot start {command[0]}: {error.strerror}") from error
        except ValueError as error:
            _remove(data_dir, is_temporary)
            raise InvalidArgument(f"cannot start {command[0]}: {error} in its arguments or in env") from error
        except BaseException:
            _remove(data_dir, is_temporary)
            raise
        manager = cls(process, data_dir, is_temporary, config.stop_timeout)
        try:
            await manager._wait_ready(config.start_timeout)
        except BaseException:
            await manager.stop(timeout=_START_GRACE)
            raise
        return manager

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> Sequence[str]:
        """The last lines of its log, oldest first."""
        return tuple(self._tail)

    def target(self, config: MCPConfig, env: Mapping[str, str]) -> Target:
        """Where it is, and its admin key."""
        key = config.api_key or config.env.get("MCP_MANAGER_ADMIN_KEY") or env.get("MCP_MANAGER_ADMIN_KEY")
        return Target(
            address=(self._grpc_url or "").partition("://")[2],
            url=(self._url or "").rstrip("/"),
            is_secure=(self._grpc_url or "").startswith("grpcs:"),
            api_key=key or read_admin_key(self.data_dir),
        )

    async def stop(self, *, timeout: float | None = None) -> None:
        """Ends it: calls in flight get `stop_timeout` seconds, then it is killed; at once when this is cancelled.

        Never raises for one that has ended already.
        """
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), self._stop_timeout if timeout is None else timeout)
        except asyncio.TimeoutError:
            self._kill()
            await process.wait()
        except asyncio.CancelledError:
            # Nobody is left to wait for an end in order.
            self._kill()
            await process.wait()
            raise
        finally:
            for reader in self._readers:
                reader.cancel()
            await asyncio.gather(*self._readers, return_exceptions=True)
            _remove(self.data_dir, self._is_temporary)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _wait_ready(self, timeout: float) -> None:
        ready = asyncio.ensure_future(self._ready.wait())
        ended = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and self._grpc_url is None:
                raise FailedPrecondition("the embedded manager has no gRPC door: take grpcPort out of its configuration file")
            if ready.done():
                return
            has_ended = ended.done()
            # Its last words are still on their way.
            await asyncio.wait(self._readers, timeout=1 if has_ended else 0)
        finally:
            ready.cancel()
            ended.cancel()
        how = f"ended with status {self._process.returncode}" if has_ended else f"was not ready within {timeout} s"
        words = "".join(f"\n  {line}" for line in self._tail) or " and said nothing"
        raise Unavailable(f"the embedded manager {how}{words}", details={"stderr": list(self._tail)})

    async def _read_output(self) -> None:
        async for line in _lines(self._process.stdout):
            ready = _READY.search(line)
            if ready is not None and self._url is None:
                self._url, self._grpc_url = ready.group("url", "grpc")
                self._ready.set()

    async def _read_log(self) -> None:
        async for line in _lines(self._process.stderr):
            self._tail.append(line[:_LINE_MAX])


def find_command(config: MCPConfig, env: Mapping[str, str]) -> Sequence[str]:
    """The program and its first arguments. Raises `FailedPrecondition` where there is none.

    >>> find_command(MCPConfig(command="npx mcp-manager"), {})
    ['npx', 'mcp-manager']
    """
    given = config.command or env.get("MCP_MANAGER_COMMAND")
    if given:
        return shlex.split(given) if isinstance(given, str) else list(given)
    installed = shutil.which("mcp-manager", path=env.get("PATH"))
    if installed is not None:
        return [installed]
    for folder in Path(__file__).resolve().parents:
        if (folder / _PROGRAM).exists():
            # Windows runs no scripts by their first line.
            node = shutil.which("node", path=env.get("PATH")) if sys.platform == "win32" else None
            return [*([] if node is None else [node]), str(folder / _PROGRAM)]
    raise FailedPrecondition(
        "cannot find the program mcp-manager: install it (npm install --global mcp-manager), or name it in MCP_MANAGER_COMMAND"
    )


async def _lines(stream: asyncio.StreamReader | None) -> AsyncIterator[str]:
    """The lines of a stream, whatever their length; what is longer than the reader's limit comes in parts."""
    rest = b""
    while stream is not None:
        chunk = await stream.read(65_536)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
        if len(rest) > 65_536 or (not chunk and rest):
            yield rest.decode(errors="replace")
            rest = b""
        if not chunk:
            return


def _remove(data_dir: Path, is_temporary: bool) -> None:
    if is_temporary:
        shutil.rmtree(data_dir, ignore_errors=True)
