"""Between the JSON that people write and the messages that gRPC carries, by protobuf's own JSON mapping.

Owns which message belongs to which method and how what does not fit is told. Sends nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ._gen.mcpmanager.v1 import service_pb2
from .errors import FieldError, InvalidArgument

JSON = dict[str, Any]
"""An object as REST has it: camelCase names, durations and sizes as texts."""

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["MCPManager"]


@cache
def types_of(rpc: str) -> tuple[type[Message], type[Message]]:
    """The classes of a method's request and response. There are as many as the service has methods."""
    method = _SERVICE.methods_by_name[rpc]
    return GetMessageClass(method.input_type), GetMessageClass(method.output_type)


def path_of(rpc: str) -> str:
    """What the wire calls a method: `/mcpmanager.v1.MCPManager/GetServer`."""
    return f"/{_SERVICE.full_name}/{rpc}"


def request(rpc: str, content: Mapping[str, Any]) -> Message:
    """A request from its JSON; members that are None count as left out. Raises `InvalidArgument` for what has no place in it.

    >>> request("GetServer", {"name": "weather"}).name
    'weather'
    >>> request("DeployServer", {"server": {"spec": {"sorce": {}}}})
    Traceback (most recent call last):
    ...
    mcp_manager.errors.InvalidArgument: there is no field spec.sorce: did you mean source?
      spec.sorce: no field; did you mean source?
    """
    message = types_of(rpc)[0]()
    given = {name: value for name, value in content.items() if value is not None}
    try:
        json_format.ParseDict(given, message)
    except json_format.ParseError as error:
        raise _refusal(str(error)) from None
    return message


def content(message: Message) -> JSON:
    """The JSON of a message. Protobuf keeps the numbers of open JSON as doubles; whole ones are whole again here."""
    return cast(JSON, _whole(json_format.MessageToDict(message)))


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_whole(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


_STEP = re.compile(r"Failed to parse (\w+) field: ")
_UNKNOWN = re.compile(r'has no field named "(?P<name>[^"]+)" at "[^".]*\.?(?P<parent>[^"]*)".*?"\[(?P<known>.*)\]"', re.DOTALL)
# Requests hold a resource whole; people know its paths as they are in the resource.
_WRAPPER = re.compile(r"^(?:server|webhook|secret|apiKey|api_key)\.")


def _refusal(text: str) -> InvalidArgument:
    """What protobuf says of JSON that does not fit, in our words."""
    unknown = _UNKNOWN.search(text)
    if unknown is None:
        path = _WRAPPER.sub("", ".".join(_STEP.findall(text)))
        why = _STEP.sub("", text).rstrip(".")
        return InvalidArgument(f"{path} does not fit: {why}", fields=[FieldError(path, why)])
    name, parent, known = unknown.group("name", "parent", "known")
    near = difflib.get_close_matches(name, re.findall(r"'([^']+)'", known), n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {known}".replace("'", "")
    path = _WRAPPER.sub("", f"{parent}.{name}" if parent else name)
    return InvalidArgument(f"there is no field {path}: {hint}", fields=[FieldError(path, f"no field; {hint}")])
