"""What people write for a resource, made into the resource: the whole of it as REST has it, or its fields side by side.

Pure. Checks nothing but what it needs; the manager does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import FieldError, InvalidArgument
from .messages import JSON

_PROCESS = ("command", "args", "cwd", "env")
_REMOTE = ("url", "transport", "headers")


def resource(given: Mapping[str, Any]) -> JSON:
    """A resource. What has `spec` or `metadata` is one already; else `name` and `labels` go to its metadata and the rest to its spec.
    Raises `InvalidArgument` where there is no name.

    >>> resource({"name": "ops", "url": "https://example.com/hook"})
    {'metadata': {'name': 'ops'}, 'spec': {'url': 'https://example.com/hook'}}
    """
    if "spec" in given or "metadata" in given:
        whole = dict(given)
        named = whole.get("metadata")
        if not isinstance(named, Mapping) or not named.get("name"):
            raise _nameless("metadata.name")
        return whole
    if not given.get("name"):
        raise _nameless("name")
    metadata = {key: given[key] for key in ("name", "labels") if key in given}
    return {"metadata": metadata, "spec": {key: value for key, value in given.items() if key not in metadata}}


def server_resource(given: Mapping[str, Any]) -> JSON:
    """A Server, whose source may be written in short, as the configuration file has it: `command`, `args`, `cwd`, `env` of a process,
    `url`, `transport`, `headers` of a remote one.

    >>> server_resource({"name": "files", "command": "npx", "args": ["-y", "files-mcp"], "replicas": 2})["spec"]
    {'replicas': 2, 'source': {'kind': 'process', 'command': 'npx', 'args': ['-y', 'files-mcp']}}
    """
    whole = resource(given)
    spec = whole.get("spec")
    if not isinstance(spec, Mapping) or "source" in spec:
        return whole
    kind, members = ("remote", _REMOTE) if "url" in spec else ("process", _PROCESS)
    source = {key: spec[key] for key in members if key in spec}
    if not source:
        return whole
    rest = {key: value for key, value in spec.items() if key not in source}
    return {**whole, "spec": {**rest, "source": {"kind": kind, **source}}}


def _nameless(path: str) -> InvalidArgument:
    return InvalidArgument(f"a resource needs a name: set {path}", fields=[FieldError(path, "a name, such as weather")])
