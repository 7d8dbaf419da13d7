from google.protobuf import struct_pb2 as _struct_pb2
from mcp_manager._gen.mcpmanager.v1 import deployment_pb2 as _deployment_pb2
from mcp_manager._gen.mcpmanager.v1 import replica_pb2 as _replica_pb2
from mcp_manager._gen.mcpmanager.v1 import revision_pb2 as _revision_pb2
from mcp_manager._gen.mcpmanager.v1 import server_pb2 as _server_pb2
from mcp_manager._gen.mcpmanager.v1 import strategy_pb2 as _strategy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeployServerRequest(_message.Message):
    __slots__ = ("server", "dry_run", "if_revision")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    IF_REVISION_FIELD_NUMBER: _ClassVar[int]
    server: _server_pb2.Server
    dry_run: bool
    if_revision: str
    def __init__(self, server: _Optional[_Union[_server_pb2.Server, _Mapping]] = ..., dry_run: bool = ..., if_revision: _Optional[str] = ...) -> None: ...

class DeployServerResponse(_message.Message):
    __slots__ = ("server", "deployment", "created")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    server: _server_pb2.Server
    deployment: str
    created: bool
    def __init__(self, server: _Optional[_Union[_server_pb2.Server, _Mapping]] = ..., deployment: _Optional[str] = ..., created: bool = ...) -> None: ...

class CreateServerRequest(_message.Message):
    __slots__ = ("server", "dry_run")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    server: _server_pb2.Server
    dry_run: bool
    def __init__(self, server: _Optional[_Union[_server_pb2.Server, _Mapping]] = ..., dry_run: bool = ...) -> None: ...

class GetServerRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListServersRequest(_message.Message):
    __slots__ = ("labels",)
    LABELS_FIELD_NUMBER: _ClassVar[int]
    labels: str
    def __init__(self, labels: _Optional[str] = ...) -> None: ...

class DeleteServerRequest(_message.Message):
    __slots__ = ("name", "force", "if_revision")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    IF_REVISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    force: bool
    if_revision: str
    def __init__(self, name: _Optional[str] = ..., force: bool = ..., if_revision: _Optional[str] = ...) -> None: ...

class RestartServerRequest(_message.Message):
    __slots__ = ("name", "replica")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    name: str
    replica: str
    def __init__(self, name: _Optional[str] = ..., replica: _Optional[str] = ...) -> None: ...

class SetBreakerRequest(_message.Message):
    __slots__ = ("name", "state", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CreateDeploymentRequest(_message.Message):
    __slots__ = ("name", "source", "strategy", "accept_breaking")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_BREAKING_FIELD_NUMBER: _ClassVar[int]
    name: str
    source: _server_pb2.ServerSource
    strategy: _strategy_pb2.Strategy
    accept_breaking: bool
    def __init__(self, name: _Optional[str] = ..., source: _Optional[_Union[_server_pb2.ServerSource, _Mapping]] = ..., strategy: _Optional[_Union[_strategy_pb2.Strategy, _Mapping]] = ..., accept_breaking: bool = ...) -> None: ...

class RollbackServerRequest(_message.Message):
    __slots__ = ("name", "to")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    name: str
    to: str
    def __init__(self, name: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class ListServerDeploymentsRequest(_message.Message):
    __slots__ = ("name", "limit", "cursor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    cursor: str
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListServerDeploymentsResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_deployment_pb2.Deployment]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[_deployment_pb2.Deployment, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class ListRevisionsRequest(_message.Message):
    __slots__ = ("name", "limit", "cursor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    cursor: str
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListRevisionsResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_revision_pb2.Revision]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[_revision_pb2.Revision, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class DiffRevisionsRequest(_message.Message):
    __slots__ = ("name", "to")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    name: str
    to: str
    def __init__(self, name: _Optional[str] = ..., to: _Optional[str] = ..., **kwargs) -> None: ...

class ListReplicasRequest(_message.Message):
    __slots__ = ("name", "limit", "cursor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    cursor: str
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListReplicasResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_replica_pb2.Replica]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[_replica_pb2.Replica, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class ListToolsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListToolsResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class ExecuteToolRequest(_message.Message):
    __slots__ = ("server", "tool", "arguments", "arguments_json", "raw")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_JSON_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    server: str
    tool: str
    arguments: _struct_pb2.Struct
    arguments_json: bytes
    raw: bool
    def __init__(self, server: _Optional[str] = ..., tool: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., arguments_json: _Optional[bytes] = ..., raw: bool = ...) -> None: ...

class ExecuteToolResponse(_message.Message):
    __slots__ = ("result", "is_error", "result_json")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    IS_ERROR_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    result: _struct_pb2.Struct
    is_error: bool
    result_json: bytes
    def __init__(self, result: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., is_error: bool = ..., result_json: _Optional[bytes] = ...) -> None: ...

class ReadLogsRequest(_message.Message):
    __slots__ = ("name", "tail", "follow", "replica")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    name: str
    tail: int
    follow: bool
    replica: str
    def __init__(self, name: _Optional[str] = ..., tail: _Optional[int] = ..., follow: bool = ..., replica: _Optional[str] = ...) -> None: ...
