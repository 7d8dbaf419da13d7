from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Secret(_message.Message):
    __slots__ = ("kind", "metadata", "spec", "status")
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    metadata: _common_pb2.Metadata
    spec: SecretSpec
    status: SecretStatus
    def __init__(self, kind: _Optional[str] = ..., metadata: _Optional[_Union[_common_pb2.Metadata, _Mapping]] = ..., spec: _Optional[_Union[SecretSpec, _Mapping]] = ..., status: _Optional[_Union[SecretStatus, _Mapping]] = ...) -> None: ...

class SecretSpec(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class SecretStatus(_message.Message):
    __slots__ = ("used_by",)
    USED_BY_FIELD_NUMBER: _ClassVar[int]
    used_by: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, used_by: _Optional[_Iterable[str]] = ...) -> None: ...
