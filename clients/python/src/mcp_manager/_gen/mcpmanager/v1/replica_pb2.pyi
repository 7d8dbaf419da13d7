from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Replica(_message.Message):
    __slots__ = ("kind", "metadata", "spec", "status")
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    metadata: _common_pb2.Metadata
    spec: ReplicaSpec
    status: ReplicaStatus
    def __init__(self, kind: _Optional[str] = ..., metadata: _Optional[_Union[_common_pb2.Metadata, _Mapping]] = ..., spec: _Optional[_Union[ReplicaSpec, _Mapping]] = ..., status: _Optional[_Union[ReplicaStatus, _Mapping]] = ...) -> None: ...

class ReplicaSpec(_message.Message):
    __slots__ = ("server", "revision", "node", "restart_round", "drain", "drain_within")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    RESTART_ROUND_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    DRAIN_WITHIN_FIELD_NUMBER: _ClassVar[int]
    server: str
    revision: str
    node: str
    restart_round: int
    drain: bool
    drain_within: str
    def __init__(self, server: _Optional[str] = ..., revision: _Optional[str] = ..., node: _Optional[str] = ..., restart_round: _Optional[int] = ..., drain: bool = ..., drain_within: _Optional[str] = ...) -> None: ...

class ReplicaStatus(_message.Message):
    __slots__ = ("state", "node", "revision", "pid", "url", "started_at", "restarts", "last_failure", "retry_at", "isolation", "memory", "era", "restart_round", "crash_loop", "health", "catalogue", "load")
    STATE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    ERA_FIELD_NUMBER: _ClassVar[int]
    RESTART_ROUND_FIELD_NUMBER: _ClassVar[int]
    CRASH_LOOP_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    state: str
    node: str
    revision: str
    pid: int
    url: str
    started_at: str
    restarts: int
    last_failure: _common_pb2.LastFailure
    retry_at: str
    isolation: Isolation
    memory: str
    era: str
    restart_round: int
    crash_loop: bool
    health: ReplicaHealth
    catalogue: str
    load: ReplicaLoad
    def __init__(self, state: _Optional[str] = ..., node: _Optional[str] = ..., revision: _Optional[str] = ..., pid: _Optional[int] = ..., url: _Optional[str] = ..., started_at: _Optional[str] = ..., restarts: _Optional[int] = ..., last_failure: _Optional[_Union[_common_pb2.LastFailure, _Mapping]] = ..., retry_at: _Optional[str] = ..., isolation: _Optional[_Union[Isolation, _Mapping]] = ..., memory: _Optional[str] = ..., era: _Optional[str] = ..., restart_round: _Optional[int] = ..., crash_loop: bool = ..., health: _Optional[_Union[ReplicaHealth, _Mapping]] = ..., catalogue: _Optional[str] = ..., load: _Optional[_Union[ReplicaLoad, _Mapping]] = ...) -> None: ...

class Isolation(_message.Message):
    __slots__ = ("level", "boundary", "limits", "network")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    level: str
    boundary: str
    limits: str
    network: str
    def __init__(self, level: _Optional[str] = ..., boundary: _Optional[str] = ..., limits: _Optional[str] = ..., network: _Optional[str] = ...) -> None: ...

class ReplicaHealth(_message.Message):
    __slots__ = ("state", "reason", "message", "since")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    state: str
    reason: str
    message: str
    since: str
    def __init__(self, state: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., since: _Optional[str] = ...) -> None: ...

class ReplicaLoad(_message.Message):
    __slots__ = ("in_flight", "pool", "ejected_until", "held_off_until")
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    EJECTED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    HELD_OFF_UNTIL_FIELD_NUMBER: _ClassVar[int]
    in_flight: int
    pool: ReplicaPool
    ejected_until: str
    held_off_until: str
    def __init__(self, in_flight: _Optional[int] = ..., pool: _Optional[_Union[ReplicaPool, _Mapping]] = ..., ejected_until: _Optional[str] = ..., held_off_until: _Optional[str] = ...) -> None: ...

class ReplicaPool(_message.Message):
    __slots__ = ("in_use", "idle", "spare", "waiting")
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    IDLE_FIELD_NUMBER: _ClassVar[int]
    SPARE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    in_use: int
    idle: int
    spare: int
    waiting: int
    def __init__(self, in_use: _Optional[int] = ..., idle: _Optional[int] = ..., spare: _Optional[int] = ..., waiting: _Optional[int] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("replica", "at", "text")
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    replica: str
    at: str
    text: str
    def __init__(self, replica: _Optional[str] = ..., at: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...
