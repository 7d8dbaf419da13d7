"""What can be asked of a deployment, the way of a server from one revision to another."""

from __future__ import annotations

import asyncio

from .errors import DeadlineExceeded, FailedPrecondition
from .messages import JSON
from .operation_group import OperationGroup

_ARRIVED = ("Draining", "Completed")
_WENT_BACK = ("Aborted", "Failed")
_FIRST_LOOK = 0.05
_LONGEST_PAUSE = 1.0


class DeploymentOperations(OperationGroup):
    """Operations under a deployment's name. `timeout` is in seconds everywhere; all raise ManagerError, `NotFound` among them."""

    async def list_deployments(self, *, limit: int | None = None, timeout: float | None = None) -> list[JSON]:
        """The deployments of all servers, newest first."""
        return await self._pages("list_deployments", {}, limit, timeout)

    async def get_deployment(self, name: str, *, timeout: float | None = None) -> JSON:
        """Reads a deployment: where it is, why, and what to do."""
        return await self._ask("get_deployment", {"name": name}, timeout)

    async def promote_deployment(
        self, name: str, *, full: bool = False, accept_breaking: bool = False, timeout: float | None = None
    ) -> JSON:
        """Goes on past the present step, or, with `full`, to the end; with `accept_breaking` also where it breaks clients."""
        content = {"name": name, "full": full or None, "acceptBreaking": accept_breaking or None}
        return await self._ask("promote_deployment", content, timeout)

    async def pause_deployment(self, name: str, *, timeout: float | None = None) -> JSON:
        """Stays where it is until it is resumed."""
        return await self._ask("pause_deployment", {"name": name}, timeout)

    async def resume_deployment(self, name: str, *, timeout: float | None = None) -> JSON:
        """Goes on from a pause."""
        return await self._ask("resume_deployment", {"name": name}, timeout)

    async def abort_deployment(self, name: str, *, timeout: float | None = None) -> JSON:
        """Goes back to the stable revision."""
        return await self._ask("abort_deployment", {"name": name}, timeout)

    async def retry_deployment(self, name: str, *, timeout: float | None = None) -> JSON:
        """Tries once more what was aborted or failed, from the beginning."""
        return await self._ask("retry_deployment", {"name": name}, timeout)

    async def wait_for_deployment(self, name: str, *, timeout: float = 300.0) -> JSON:
        """The Deployment once all new traffic is on its revision (phase `Draining` or `Completed`).

        Raises `FailedPrecondition` when it went back, or waits for a person, with the reason, and `DeadlineExceeded` after `timeout`
        seconds.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        pause = _FIRST_LOOK
        while True:
            now = await self.get_deployment(name, timeout=max(end - loop.time(), _FIRST_LOOK))
            status: JSON = now.get("status", {})
            phase = status.get("phase")
            if phase in _ARRIVED:
                return now
            why = f"{status.get('reason', 'no reason')}: {status.get('message', '')}"
            if phase in _WENT_BACK or phase == "Paused":
                raise FailedPrecondition(f"the deployment {name} is {phase}, {why}", details=status)
            if loop.time() + pause > end:
                raise DeadlineExceeded(f"the deployment {name} is {phase} after {timeout} s", details=status)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
