"""Who may do what with which credential: API keys for callers, secrets for servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .messages import JSON
from .operation_group import OperationGroup, labels_text


class AccessOperations(OperationGroup):
    """API keys and secrets. `timeout` is in seconds everywhere; all raise ManagerError."""

    async def list_api_keys(
        self, *, labels: Mapping[str, str] | None = None, limit: int | None = None, timeout: float | None = None
    ) -> list[JSON]:
        """The API keys, without the keys themselves; or those that carry all of these labels."""
        return await self._pages("list_api_keys", {"labels": labels_text(labels)}, limit, timeout)

    async def create_api_key(
        self,
        name: str,
        roles: Sequence[str] = ("caller",),
        *,
        principal: str | None = None,
        expires_at: str | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> JSON:
        """Makes an API key. The answer holds it in `key`, this once.

        Args:
            name: Name of the ApiKey.
            roles: At least one of `admin`, `operator`, `caller`, `viewer`.
            principal: Whom it stands for. Default: `key:` and its name.
            expires_at: RFC 3339; it is refused from then on. Default: never.

        Raises:
            AlreadyExists: The name is taken.
        """
        spec = {"roles": list(roles), "principal": principal, "expiresAt": expires_at}
        return await self._ask("create_api_key", {"apiKey": _resource(name, labels, spec)}, timeout)

    async def get_api_key(self, name: str, *, timeout: float | None = None) -> JSON:
        """Reads an API key, without the key itself. Raises `NotFound`."""
        return await self._ask("get_api_key", {"name": name}, timeout)

    async def delete_api_key(self, name: str, *, timeout: float | None = None) -> JSON:
        """Revokes an API key: it is refused from now on. Raises `NotFound`."""
        return await self._ask("delete_api_key", {"name": name}, timeout)

    async def list_secrets(
        self, *, labels: Mapping[str, str] | None = None, limit: int | None = None, timeout: float | None = None
    ) -> list[JSON]:
        """The secrets, without their values; or those that carry all of these labels."""
        return await self._pages("list_secrets", {"labels": labels_text(labels)}, limit, timeout)

    async def create_secret(self, name: str, value: str, *, labels: Mapping[str, str] | None = None, timeout: float | None = None) -> JSON:
        """Keeps a secret of 1 to 65,536 bytes, which servers refer to as `${secret:name}`. Nothing reads it out again.

        Raises `AlreadyExists` when the name is taken.
        """
        return await self._ask("create_secret", {"secret": _resource(name, labels, {"value": value})}, timeout)

    async def get_secret(self, name: str, *, timeout: float | None = None) -> JSON:
        """Who uses a secret. Raises `NotFound`."""
        return await self._ask("get_secret", {"name": name}, timeout)

    async def put_secret(
        self,
        name: str,
        value: str,
        *,
        labels: Mapping[str, str] | None = None,
        if_revision: str | None = None,
        timeout: float | None = None,
    ) -> JSON:
        """Keeps a secret, or gives it another value. Raises `Conflict` when it is not at `if_revision` any more."""
        content = {"secret": _resource(name, labels, {"value": value}), "ifRevision": if_revision}
        return await self._ask("put_secret", content, timeout)

    async def delete_secret(self, name: str, *, force: bool = False, if_revision: str | None = None, timeout: float | None = None) -> JSON:
        """Forgets a secret; with `force` also while something refers to it. Raises `NotFound`, `FailedPrecondition`, `Conflict`."""
        return await self._ask("delete_secret", {"name": name, "force": force, "ifRevision": if_revision}, timeout)


def _resource(name: str, labels: Mapping[str, str] | None, spec: Mapping[str, object]) -> JSON:
    present = {key: value for key, value in spec.items() if value is not None}
    return {"metadata": {"name": name, "labels": dict(labels or {})}, "spec": present}
