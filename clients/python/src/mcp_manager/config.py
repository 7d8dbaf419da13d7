"""Which manager is meant and with which key: what the caller says, then the environment, then this machine's data directory.

The same order as the command line's, so that a program finds what `mcp-manager status` finds. Reads; starts nothing.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import FailedPrecondition, FieldError, InvalidArgument

_HTTP_PORT = 8080
_GRPC_PORT = 9090


@dataclass(frozen=True, kw_only=True)
class MCPConfig:
    """How to reach a manager, or how to start one. Every field has a default: `MCPConfig()` is the manager on this machine.

    >>> MCPConfig(address="10.0.0.7:9090", api_key="mcpm_…").address
    '10.0.0.7:9090'
    """

    embedded: bool = False
    """Start a manager of one's own, as a child process that ends with the context. Default: connect to one that runs."""

    address: str | None = None
    """Its gRPC address: `host:port`, or `https://host:port` for TLS. Default: the host of `url` and `MCP_MANAGER_GRPC_PORT` or 9090."""

    url: str | None = None
    """Its HTTP address, for MCP clients. Default: `MCP_MANAGER_URL`, or `http://127.0.0.1:` and `MCP_MANAGER_PORT` or 8080."""

    api_key: str | None = field(default=None, repr=False)
    """The credential; of an embedded manager, its admin key. Default: `MCP_MANAGER_API_KEY`, `MCP_MANAGER_ADMIN_KEY`, or, of a manager
    on this machine only, the file `admin.key` in `data_dir`."""

    data_dir: str | os.PathLike[str] | None = None
    """The manager's data directory. Default: `MCP_MANAGER_DATA` or `./data`; of an embedded manager a temporary one, removed with it."""

    ca_file: str | os.PathLike[str] | None = None
    """PEM file of the authorities to trust, with an `https:` address. Default: the system's."""

    cert_file: str | os.PathLike[str] | None = None
    """PEM file of the certificate to show, where the manager asks for one; with `key_file`."""

    key_file: str | os.PathLike[str] | None = None
    """PEM file of its private key."""

    timeout: float = 60.0
    """Seconds that a call may take where it says nothing else, its retries included. Streams may last."""

    retries: int = 3
    """How often a call that changes nothing when repeated is tried again while the manager is out of reach."""

    reconnect_for: float = 300.0
    """Seconds for which `watch` tries to get back to a manager that went away, before it raises `Unavailable`."""

    config_file: str | os.PathLike[str] | None = None
    """Embedded: its configuration file, ours or any client's `mcpServers` JSON. Default: none."""

    port: int = 0
    """Embedded: its HTTP port on loopback. Default: a free one."""

    grpc_port: int = 0
    """Embedded: its gRPC port on loopback. Default: a free one."""

    command: str | Sequence[str] | None = None
    """Embedded: the program `mcp-manager`, with arguments before `up` if need be. Default: `MCP_MANAGER_COMMAND`, the PATH, the checkout
    that this package lies in."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Embedded: variables beside this process's own."""

    start_timeout: float = 60.0
    """Embedded: seconds until it must be ready."""

    stop_timeout: float = 30.0
    """Embedded: seconds that calls in flight get to end when it is stopped, before it is killed."""

    @classmethod
    def of(cls, config: MCPConfig | Mapping[str, Any] | None) -> MCPConfig:
        """A configuration from whatever `create_manager` takes. Raises `InvalidArgument` for a field that there is not.

        >>> MCPConfig.of({"embedded": True}).embedded
        True
        >>> MCPConfig.of({"adress": "127.0.0.1:9090"})
        Traceback (most recent call last):
        ...
        mcp_manager.errors.InvalidArgument: a configuration has no field adress: did you mean address?
          adress: no field; did you mean address?
        """
        if isinstance(config, MCPConfig):
            return config
        given = dict(config or {})
        names = [one.name for one in fields(cls)]
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
                raise InvalidArgument(f"a configuration has no field {name}: {hint}", fields=[FieldError(str(name), f"no field; {hint}")])
        return cls(**given)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A manager to connect to, with nothing left open."""

    address: str
    """`host:port` of its gRPC door."""
    url: str
    """Of its HTTP door, without a slash at the end."""
    is_secure: bool
    """Whether the gRPC door speaks TLS."""
    api_key: str | None = field(repr=False)
    """None: there was no key to be found, and the manager will say so."""


def find_target(config: MCPConfig, env: Mapping[str, str], cwd: Path) -> Target:
    """Which running manager is meant. Raises `InvalidArgument` for an address that is none.

    >>> find_target(MCPConfig(address="https://mcp.example.com:9090", api_key="k"), {}, Path("/nowhere"))
    Target(address='mcp.example.com:9090', url='http://mcp.example.com:8080', is_secure=True)
    """
    url = (config.url or env.get("MCP_MANAGER_URL") or "").rstrip("/")
    given = config.address
    if given is None:
        host = _host(url) if url else "127.0.0.1"
        given = f"{host}:{_port(env, 'MCP_MANAGER_GRPC_PORT', _GRPC_PORT)}"
    is_secure = given.startswith(("https://", "grpcs://"))
    address = given.split("://", 1)[-1].rstrip("/")
    if _port_of(address) is None:
        raise InvalidArgument(f"{given} is no address of a manager: write host:port, as in 127.0.0.1:9090")
    if not url:
        url = f"http://{address.rpartition(':')[0]}:{_port(env, 'MCP_MANAGER_PORT', _HTTP_PORT)}"
    key = config.api_key or env.get("MCP_MANAGER_API_KEY") or env.get("MCP_MANAGER_ADMIN_KEY")
    if not key and is_loopback(address):
        key = read_admin_key(cwd / (config.data_dir or env.get("MCP_MANAGER_DATA") or "data"))
    return Target(address=address, url=url, is_secure=is_secure, api_key=key or None)


def read_admin_key(data_dir: Path) -> str | None:
    """The admin key that a manager keeps in its data directory; None where there is none. Raises `FailedPrecondition` when it is there
    and may not be read."""
    path = data_dir / "admin.key"
    try:
        return path.read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FailedPrecondition(f"cannot read the admin key in {path} ({error.strerror}): give api_key instead") from error


def is_loopback(address: str) -> bool:
    """Whether `host:port` leads to this machine: an admin key from a file is shown to nobody else.

    >>> [is_loopback(address) for address in ("127.0.0.1:1", "[::1]:1", "localhost:1", "127.example.com:1")]
    [True, True, True, False]
    """
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str:
    host = urlsplit(url).hostname
    if not host:
        raise InvalidArgument(f"{url} is no URL of a manager: write one like http://127.0.0.1:8080")
    return f"[{host}]" if ":" in host else host


def _port(env: Mapping[str, str], name: str, default: int) -> str:
    text = env.get(name) or "0"
    return str(default) if text == "0" else text


def _port_of(address: str) -> int | None:
    host, _, port = address.rpartition(":")
    return int(port) if host and port.isdecimal() and 0 < int(port) < 65536 else None
