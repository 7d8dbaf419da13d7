from mcp_manager._gen.mcpmanager.v1 import revision_pb2 as _revision_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DiffConfigRequest(_message.Message):
    __slots__ = ("text", "filename")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    text: str
    filename: str
    def __init__(self, text: _Optional[str] = ..., filename: _Optional[str] = ...) -> None: ...

class ConfigDiff(_message.Message):
    __slots__ = ("servers", "restart")
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    RESTART_FIELD_NUMBER: _ClassVar[int]
    servers: _containers.RepeatedCompositeFieldContainer[ServerDifference]
    restart: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, servers: _Optional[_Iterable[_Union[ServerDifference, _Mapping]]] = ..., restart: _Optional[_Iterable[str]] = ...) -> None: ...

class ServerDifference(_message.Message):
    __slots__ = ("name", "change", "fields", "deployment", "message")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    change: str
    fields: _containers.RepeatedCompositeFieldContainer[_revision_pb2.FieldChange]
    deployment: bool
    message: str
    def __init__(self, name: _Optional[str] = ..., change: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[_revision_pb2.FieldChange, _Mapping]]] = ..., deployment: bool = ..., message: _Optional[str] = ...) -> None: ...
