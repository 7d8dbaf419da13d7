from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Health(_message.Message):
    __slots__ = ("status", "version", "started_at", "store", "overload", "states", "servers", "config")
    class StatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    OVERLOAD_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    status: str
    version: str
    started_at: str
    store: str
    overload: OverloadStage
    states: _containers.ScalarMap[str, int]
    servers: _containers.RepeatedCompositeFieldContainer[ServerHealth]
    config: ConfigHealth
    def __init__(self, status: _Optional[str] = ..., version: _Optional[str] = ..., started_at: _Optional[str] = ..., store: _Optional[str] = ..., overload: _Optional[_Union[OverloadStage, _Mapping]] = ..., states: _Optional[_Mapping[str, int]] = ..., servers: _Optional[_Iterable[_Union[ServerHealth, _Mapping]]] = ..., config: _Optional[_Union[ConfigHealth, _Mapping]] = ...) -> None: ...

class ConfigHealth(_message.Message):
    __slots__ = ("file", "state", "message", "at")
    FILE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    file: str
    state: str
    message: str
    at: str
    def __init__(self, file: _Optional[str] = ..., state: _Optional[str] = ..., message: _Optional[str] = ..., at: _Optional[str] = ...) -> None: ...

class OverloadStage(_message.Message):
    __slots__ = ("stage", "message")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    stage: int
    message: str
    def __init__(self, stage: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ServerHealth(_message.Message):
    __slots__ = ("name", "state", "replicas", "breaker", "attention", "last_failure")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: str
    replicas: _common_pb2.ReplicaCount
    breaker: str
    attention: str
    last_failure: _common_pb2.LastFailure
    def __init__(self, name: _Optional[str] = ..., state: _Optional[str] = ..., replicas: _Optional[_Union[_common_pb2.ReplicaCount, _Mapping]] = ..., breaker: _Optional[str] = ..., attention: _Optional[str] = ..., last_failure: _Optional[_Union[_common_pb2.LastFailure, _Mapping]] = ...) -> None: ...
