"""What can go wrong, by one closed set of codes: the words that REST, gRPC, MCP endpoints and the command line use too.

Owns the classes and how a gRPC status becomes one of them. Decides nothing about retries; see calls.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_VIOLATION = re.compile(r"given (?P<given>.*), expected (?P<expected>.*)", re.DOTALL)
_DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was wrong."""

    path: str
    """Where: `spec.source.command`."""
    expected: str
    """What is allowed, in words."""
    given: str | None = None
    """What was there, where somebody said; never a secret."""


class ManagerError(Exception):
    """The one error of this package; its subclasses are its codes, so that both `except NotFound` and `error.code` work.

    >>> try:
    ...     raise NotFound("there is no server weather", server="weather")
    ... except ManagerError as error:
    ...     print(error.code, error.server, error.retryable)
    not_found weather False
    """

    code: ClassVar[str] = "internal"
    """What kind of failure it was, as everywhere in MCP Manager: `not_found`, `circuit_open` …"""
    retryable: ClassVar[bool] = False
    """Whether the same request may succeed later without anybody changing anything."""

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        server: str | None = None,
        fields: Sequence[FieldError] = (),
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message: str = message
        """What happened, to which thing, and what to do. Never holds a secret."""
        self.reason: str = reason or self.code.upper()
        """A stable constant, sometimes finer than the code: `NO_READY_REPLICA`."""
        self.server: str | None = server
        """Name of the server that it happened to."""
        self.fields: tuple[FieldError, ...] = tuple(fields)
        """The fields that were wrong, of `invalid_argument`."""
        self.details: Mapping[str, Any] = dict(details or {})
        """Facts for machines."""
        self.retry_after: float | None = retry_after
        """Seconds after which a retry makes sense, where the manager knows."""

    def __str__(self) -> str:
        fields = "".join(f"\n  {field.path}: {field.expected}" for field in self.fields)
        return f"{self.message}{fields}"


class InvalidArgument(ManagerError):
    """What was asked makes no sense; `fields` says what of it."""

    code = "invalid_argument"


class Unauthenticated(ManagerError):
    """There was no key, or it is unknown, revoked or expired."""

    code = "unauthenticated"


class PermissionDenied(ManagerError):
    """The key's roles do not include this."""

    code = "permission_denied"


class NotFound(ManagerError):
    """There is no such thing, or this key may not see it."""

    code = "not_found"


class AlreadyExists(ManagerError):
    """The name is taken."""

    code = "already_exists"


class Conflict(ManagerError):
    """Somebody changed it since it was read."""

    code = "conflict"


class FailedPrecondition(ManagerError):
    """It cannot be done in the state that things are in."""

    code = "failed_precondition"


class ResourceExhausted(ManagerError):
    """A limit was reached; later there may be room."""

    code = "resource_exhausted"
    retryable = True


class Cancelled(ManagerError):
    """The manager gave the request up because somebody took it back. A cancelled task gets asyncio's own error instead."""

    code = "cancelled"


class Internal(ManagerError):
    """A fault of the manager, or one that has no other name."""


class ProtocolError(ManagerError):
    """The MCP server said something that the protocol does not allow."""

    code = "protocol_error"


class Unavailable(ManagerError):
    """The manager, or every replica of the server, is out of reach."""

    code = "unavailable"
    retryable = True


class CircuitOpen(ManagerError):
    """The server's breaker is open: it failed too often and is left alone for a while, see `retry_after`."""

    code = "circuit_open"
    retryable = True


class DeadlineExceeded(ManagerError):
    """It took longer than it was given."""

    code = "deadline_exceeded"
    retryable = True


ServerNotFound = NotFound
ConnectionError = Unavailable  # noqa: A001 - a name that people know; `import *` leaves it out.
CircuitBreakerOpen = CircuitOpen

BY_CODE: Mapping[str, type[ManagerError]] = {
    error.code: error
    for error in (
        InvalidArgument,
        Unauthenticated,
        PermissionDenied,
        NotFound,
        AlreadyExists,
        Conflict,
        FailedPrecondition,
        ResourceExhausted,
        Cancelled,
        Internal,
        ProtocolError,
        Unavailable,
        CircuitOpen,
        DeadlineExceeded,
    )
}
"""Every code with its class."""

_BY_STATUS: Mapping[grpc.StatusCode, type[ManagerError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.UNIMPLEMENTED: FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


def from_rpc(error: grpc.aio.AioRpcError, where: str) -> ManagerError:
    """What a failed call says, as a ManagerError. `where` is the address, which errors of the network's name."""
    details = _details(error)
    info = error_details_pb2.ErrorInfo()
    violations: list[FieldError] = []
    retry_after: float | None = None
    for detail in details:
        bad = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(bad):
            violations += [_field(one.field, one.description) for one in bad.field_violations]
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        else:
            detail.Unpack(info)
    facts = dict(info.metadata)
    kind = BY_CODE.get(info.reason.lower()) or _BY_STATUS.get(error.code(), Internal)
    message = error.details() or error.code().name.lower()
    return kind(
        message if details else f"{message} (at {where})",
        reason=facts.pop("reason", None) or info.reason or None,
        server=facts.pop("server", None),
        fields=violations,
        details=facts,
        retry_after=retry_after,
    )


def _field(path: str, description: str) -> FieldError:
    words = _VIOLATION.fullmatch(description)
    return FieldError(path, description) if words is None else FieldError(path, words["expected"], words["given"])


def _details(error: grpc.aio.AioRpcError) -> Sequence[Any]:
    """The details that the manager sent; none of an error that came about on the way."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:
                return ()
    return ()
