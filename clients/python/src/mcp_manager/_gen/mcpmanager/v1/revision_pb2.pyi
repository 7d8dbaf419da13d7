from google.protobuf import struct_pb2 as _struct_pb2
from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from mcp_manager._gen.mcpmanager.v1 import deployment_pb2 as _deployment_pb2
from mcp_manager._gen.mcpmanager.v1 import server_pb2 as _server_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Revision(_message.Message):
    __slots__ = ("kind", "metadata", "spec", "status")
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    metadata: _common_pb2.Metadata
    spec: RevisionSpec
    status: RevisionStatus
    def __init__(self, kind: _Optional[str] = ..., metadata: _Optional[_Union[_common_pb2.Metadata, _Mapping]] = ..., spec: _Optional[_Union[RevisionSpec, _Mapping]] = ..., status: _Optional[_Union[RevisionStatus, _Mapping]] = ...) -> None: ...

class RevisionSpec(_message.Message):
    __slots__ = ("server", "number", "source", "sandbox", "sharing", "limits")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    SHARING_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    server: str
    number: int
    source: _server_pb2.ServerSource
    sandbox: _struct_pb2.Value
    sharing: str
    limits: RevisionLimits
    def __init__(self, server: _Optional[str] = ..., number: _Optional[int] = ..., source: _Optional[_Union[_server_pb2.ServerSource, _Mapping]] = ..., sandbox: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., sharing: _Optional[str] = ..., limits: _Optional[_Union[RevisionLimits, _Mapping]] = ...) -> None: ...

class RevisionLimits(_message.Message):
    __slots__ = ("memory", "cpu", "processes")
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    memory: str
    cpu: float
    processes: int
    def __init__(self, memory: _Optional[str] = ..., cpu: _Optional[float] = ..., processes: _Optional[int] = ...) -> None: ...

class RevisionStatus(_message.Message):
    __slots__ = ("digest", "era", "era_found_at", "server_info", "capabilities", "tools")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ERA_FIELD_NUMBER: _ClassVar[int]
    ERA_FOUND_AT_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    era: str
    era_found_at: str
    server_info: _struct_pb2.Struct
    capabilities: _struct_pb2.Struct
    tools: int
    def __init__(self, digest: _Optional[str] = ..., era: _Optional[str] = ..., era_found_at: _Optional[str] = ..., server_info: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capabilities: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., tools: _Optional[int] = ...) -> None: ...

class RevisionDiff(_message.Message):
    __slots__ = ("to", "spec", "schema")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    to: str
    spec: _containers.RepeatedCompositeFieldContainer[FieldChange]
    schema: _deployment_pb2.SchemaDiff
    def __init__(self, to: _Optional[str] = ..., spec: _Optional[_Iterable[_Union[FieldChange, _Mapping]]] = ..., schema: _Optional[_Union[_deployment_pb2.SchemaDiff, _Mapping]] = ..., **kwargs) -> None: ...

class FieldChange(_message.Message):
    __slots__ = ("path", "to")
    PATH_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    path: str
    to: _struct_pb2.Value
    def __init__(self, path: _Optional[str] = ..., to: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., **kwargs) -> None: ...
