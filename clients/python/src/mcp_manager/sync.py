"""The same manager for programs without an event loop: every method waits for its answer.

Owns a thread with an event loop in it, in which the real `MCPManager` lives. Holds no logic of the operations: their signatures and
documentation are those of the coroutines.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from .config import MCPConfig
from .embedded import EmbeddedManager
from .errors import Cancelled, FailedPrecondition
from .manager import MCPManager
from .server import MCPServer

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)


class _Loop:
    """A thread that runs coroutines for others, one event loop for its life."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A program that ends without leaving the context is not held up by it.
        self._thread = threading.Thread(target=self._loop.run_forever, name="mcp-manager", daemon=True)
        # What is given to a loop that has stopped would be waited for for ever.
        self._lock = threading.Lock()
        self._takes_more = True
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Waits for a coroutine's result. Ctrl-C while it waits cancels it. Raises `FailedPrecondition` where there is no waiting, and
        `Cancelled` when the loop ends first."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise FailedPrecondition("a blocking method was called from the event loop's own thread")
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop) if self._takes_more else None
        if future is None:
            coroutine.close()
            raise FailedPrecondition("a blocking method was called after its context")
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Cancelled("the manager's context was left while the call was under way") from None
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Ends the thread, and what others still wait for with it."""
        with self._lock:
            self._takes_more = False
            ending = asyncio.run_coroutine_threadsafe(self._cancel_rest(), self._loop)
        ending.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _cancel_rest(self) -> None:
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


class _Blocking(Generic[S, P, T]):
    """A coroutine method as one that waits. As an attribute of a class it has the coroutine's signature."""

    def __init__(self, method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, owner: None, kind: type[Any]) -> _Blocking[S, P, T]: ...
    @overload
    def __get__(self, owner: _Facade[S], kind: type[Any]) -> Callable[P, T]: ...
    def __get__(self, owner: _Facade[S] | None, kind: type[Any]) -> _Blocking[S, P, T] | Callable[P, T]:
        if owner is None:
            return self

        @functools.wraps(self._method)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return owner._run(self._method(owner._subject, *args, **kwargs))

        return call


class _Server(Generic[S, P]):
    """The same for methods that answer with a server, which waits as well then."""

    def __init__(self, method: Callable[Concatenate[S, P], Coroutine[Any, Any, MCPServer]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, owner: None, kind: type[Any]) -> _Server[S, P]: ...
    @overload
    def __get__(self, owner: _Facade[S], kind: type[Any]) -> Callable[P, SyncServer]: ...
    def __get__(self, owner: _Facade[S] | None, kind: type[Any]) -> _Server[S, P] | Callable[P, SyncServer]:
        if owner is None:
            return self

        @functools.wraps(self._method)
        def call(*args: P.args, **kwargs: P.kwargs) -> SyncServer:
            return SyncServer(owner._loop, owner._run(self._method(owner._subject, *args, **kwargs)))

        return call


class _Stream(Generic[S, P, T]):
    """The same for methods that give one thing after the other."""

    def __init__(self, method: Callable[Concatenate[S, P], AsyncGenerator[T, None]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, owner: None, kind: type[Any]) -> _Stream[S, P, T]: ...
    @overload
    def __get__(self, owner: _Facade[S], kind: type[Any]) -> Callable[P, Generator[T, None, None]]: ...
    def __get__(self, owner: _Facade[S] | None, kind: type[Any]) -> _Stream[S, P, T] | Callable[P, Generator[T, None, None]]:
        if owner is None:
            return self

        @functools.wraps(self._method)
        def call(*args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
            items = self._method(owner._subject, *args, **kwargs)
            try:
                while True:
                    try:
                        yield owner._run(_next(items))
                    except StopAsyncIteration:
                        return
            finally:
                # Where nothing is taken any more, or where a collector runs, the loop ends it by itself.
                with contextlib.suppress(FailedPrecondition, Cancelled):
                    owner._run(items.aclose())

        return call


class _Facade(Generic[S_co]):
    """What waits in place of `subject`."""

    def __init__(self, loop: _Loop, subject: S_co) -> None:
        self._loop = loop
        self._subject = subject

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(coroutine)


class SyncServer(_Facade[MCPServer]):
    """An `MCPServer` whose methods wait. What it was when it was asked for is `server`, and its most used parts are here."""

    @property
    def server(self) -> MCPServer:
        """Name, spec, status and all else that is read without asking."""
        return self._subject

    @property
    def name(self) -> str:
        """Its name."""
        return self._subject.name

    @property
    def state(self) -> str:
        """Its state when it was asked for."""
        return self._subject.state

    @property
    def deployment(self) -> str | None:
        """The Deployment that the call began which gave this; see `MCPServer.deployment`."""
        return self._subject.deployment

    refresh = _Server(MCPServer.refresh)
    wait_ready = _Server(MCPServer.wait_ready)
    execute_tool = _Blocking(MCPServer.execute_tool)
    list_tools = _Blocking(MCPServer.list_tools)
    restart = _Server(MCPServer.restart)
    rollback = _Blocking(MCPServer.rollback)
    delete = _Server(MCPServer.delete)

    def __repr__(self) -> str:
        return f"SyncServer({self.name!r}, state={self.state!r})"


class SyncManager(_Facade[MCPManager]):
    """An `MCPManager` whose methods wait. Made by `create_manager_sync`; may be used by several threads at once."""

    def __init__(self, config: MCPConfig) -> None:
        super().__init__(_Loop(), MCPManager(config))
        self._is_closed = False

    def __enter__(self) -> SyncManager:
        try:
            self._run(self._subject.start())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the context: ends the connection, the embedded manager and the thread. May be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._run(self._subject.close())
        finally:
            self._loop.close()

    @property
    def embedded(self) -> EmbeddedManager | None:
        """See `MCPManager.embedded`."""
        return self._subject.embedded

    @property
    def address(self) -> str:
        """See `MCPManager.address`."""
        return self._subject.address

    @property
    def url(self) -> str:
        """See `MCPManager.url`."""
        return self._subject.url

    @property
    def mcp_url(self) -> str:
        """See `MCPManager.mcp_url`."""
        return self._subject.mcp_url

    @property
    def api_key(self) -> str | None:
        """See `MCPManager.api_key`."""
        return self._subject.api_key

    def list_servers(self, *, labels: Mapping[str, str] | None = None, timeout: float | None = None) -> list[SyncServer]:
        """See `MCPManager.list_servers`."""
        servers = self._run(self._subject.list_servers(labels=labels, timeout=timeout))
        return [SyncServer(self._loop, server) for server in servers]

    deploy_server = _Server(MCPManager.deploy_server)
    create_server = _Server(MCPManager.create_server)
    get_server = _Server(MCPManager.get_server)
    delete_server = _Server(MCPManager.delete_server)
    restart_server = _Server(MCPManager.restart_server)
    set_breaker = _Server(MCPManager.set_breaker)
    create_deployment = _Blocking(MCPManager.create_deployment)
    rollback_server = _Blocking(MCPManager.rollback_server)
    list_server_deployments = _Blocking(MCPManager.list_server_deployments)
    list_revisions = _Blocking(MCPManager.list_revisions)
    diff_revisions = _Blocking(MCPManager.diff_revisions)
    list_replicas = _Blocking(MCPManager.list_replicas)
    list_tools = _Blocking(MCPManager.list_tools)
    execute_tool = _Blocking(MCPManager.execute_tool)
    read_logs = _Stream(MCPManager.read_logs)
    list_deployments = _Blocking(MCPManager.list_deployments)
    get_deployment = _Blocking(MCPManager.get_deployment)
    promote_deployment = _Blocking(MCPManager.promote_deployment)
    pause_deployment = _Blocking(MCPManager.pause_deployment)
    resume_deployment = _Blocking(MCPManager.resume_deployment)
    abort_deployment = _Blocking(MCPManager.abort_deployment)
    retry_deployment = _Blocking(MCPManager.retry_deployment)
    wait_for_deployment = _Blocking(MCPManager.wait_for_deployment)
    watch = _Stream(MCPManager.watch)
    watch_servers = _Stream(MCPManager.watch_servers)
    list_webhooks = _Blocking(MCPManager.list_webhooks)
    create_webhook = _Blocking(MCPManager.create_webhook)
    get_webhook = _Blocking(MCPManager.get_webhook)
    put_webhook = _Blocking(MCPManager.put_webhook)
    delete_webhook = _Blocking(MCPManager.delete_webhook)
    list_dead_letters = _Blocking(MCPManager.list_dead_letters)
    get_dead_letter = _Blocking(MCPManager.get_dead_letter)
    delete_dead_letter = _Blocking(MCPManager.delete_dead_letter)
    replay_dead_letter = _Blocking(MCPManager.replay_dead_letter)
    purge_dead_letters = _Blocking(MCPManager.purge_dead_letters)
    replay_dead_letters = _Blocking(MCPManager.replay_dead_letters)
    list_api_keys = _Blocking(MCPManager.list_api_keys)
    create_api_key = _Blocking(MCPManager.create_api_key)
    get_api_key = _Blocking(MCPManager.get_api_key)
    delete_api_key = _Blocking(MCPManager.delete_api_key)
    list_secrets = _Blocking(MCPManager.list_secrets)
    create_secret = _Blocking(MCPManager.create_secret)
    get_secret = _Blocking(MCPManager.get_secret)
    put_secret = _Blocking(MCPManager.put_secret)
    delete_secret = _Blocking(MCPManager.delete_secret)
    import_config = _Blocking(MCPManager.import_config)
    diff_config = _Blocking(MCPManager.diff_config)
    get_health = _Blocking(MCPManager.get_health)
    get_openapi = _Blocking(MCPManager.get_openapi)


def create_manager_sync(config: MCPConfig | Mapping[str, Any] | None = None) -> SyncManager:
    """`create_manager` for programs without an event loop.

    >>> with create_manager_sync({"embedded": True}) as manager:
    ...     print(manager.list_servers())
    []
    """
    return SyncManager(MCPConfig.of(config))


async def _next(items: AsyncGenerator[T, None]) -> T:
    return await anext(items)
