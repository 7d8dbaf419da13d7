"""Where events are delivered to, and what could not be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .messages import JSON
from .operation_group import OperationGroup, labels_text
from .resources import resource


class WebhookOperations(OperationGroup):
    """Webhooks and dead letters. `timeout` is in seconds everywhere; all raise ManagerError."""

    async def list_webhooks(
        self, *, labels: Mapping[str, str] | None = None, limit: int | None = None, timeout: float | None = None
    ) -> list[JSON]:
        """The webhooks, by name; or those that carry all of these labels."""
        return await self._pages("list_webhooks", {"labels": labels_text(labels)}, limit, timeout)

    async def create_webhook(self, webhook: Mapping[str, Any], *, timeout: float | None = None) -> JSON:
        """Makes a webhook: a Webhook as REST has it, or in short `{"name": …, "url": …, "topics": […], "secret": …}`.

        Raises `AlreadyExists` when the name is taken.
        """
        return await self._ask("create_webhook", {"webhook": resource(webhook)}, timeout)

    async def get_webhook(self, name: str, *, timeout: float | None = None) -> JSON:
        """Reads a webhook, without its secret. Raises `NotFound`."""
        return await self._ask("get_webhook", {"name": name}, timeout)

    async def put_webhook(self, webhook: Mapping[str, Any], *, if_revision: str | None = None, timeout: float | None = None) -> JSON:
        """Makes or changes a webhook, written as for `create_webhook`. Raises `Conflict` when it is not at `if_revision` any more."""
        return await self._ask("put_webhook", {"webhook": resource(webhook), "ifRevision": if_revision}, timeout)

    async def delete_webhook(self, name: str, *, if_revision: str | None = None, timeout: float | None = None) -> JSON:
        """Takes a webhook away. Raises `NotFound`, and `Conflict` when it is not at `if_revision` any more."""
        return await self._ask("delete_webhook", {"name": name, "ifRevision": if_revision}, timeout)

    async def list_dead_letters(self, *, webhook: str | None = None, limit: int | None = None, timeout: float | None = None) -> list[JSON]:
        """What could not be delivered, to all or to one webhook, newest first."""
        return await self._pages("list_dead_letters", {"webhook": webhook}, limit, timeout)

    async def get_dead_letter(self, name: str, *, timeout: float | None = None) -> JSON:
        """Reads a dead letter: the event, and why it could not be delivered. Raises `NotFound`."""
        return await self._ask("get_dead_letter", {"name": name}, timeout)

    async def delete_dead_letter(self, name: str, *, timeout: float | None = None) -> JSON:
        """Throws a dead letter away. Raises `NotFound`."""
        return await self._ask("delete_dead_letter", {"name": name}, timeout)

    async def replay_dead_letter(self, name: str, *, timeout: float | None = None) -> JSON:
        """Tries to deliver it once more. Raises `NotFound`."""
        return await self._ask("replay_dead_letter", {"name": name}, timeout)

    async def purge_dead_letters(self, *, webhook: str | None = None, timeout: float | None = None) -> int:
        """Throws dead letters away, all or one webhook's. Gives how many there were."""
        return int((await self._ask("purge_dead_letters", {"webhook": webhook}, timeout)).get("count", 0))

    async def replay_dead_letters(self, *, webhook: str | None = None, timeout: float | None = None) -> int:
        """Tries to deliver dead letters once more, all or one webhook's. Gives how many there were."""
        return int((await self._ask("replay_dead_letters", {"webhook": webhook}, timeout)).get("count", 0))
