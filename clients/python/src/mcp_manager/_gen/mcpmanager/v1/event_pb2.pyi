from google.protobuf import struct_pb2 as _struct_pb2
from mcp_manager._gen.mcpmanager.v1 import server_pb2 as _server_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("topic", "at", "revision", "server", "replica", "message", "severity", "data", "resource")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    topic: str
    at: str
    revision: str
    server: str
    replica: str
    message: str
    severity: str
    data: _struct_pb2.Struct
    resource: _server_pb2.Server
    def __init__(self, topic: _Optional[str] = ..., at: _Optional[str] = ..., revision: _Optional[str] = ..., server: _Optional[str] = ..., replica: _Optional[str] = ..., message: _Optional[str] = ..., severity: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., resource: _Optional[_Union[_server_pb2.Server, _Mapping]] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("topics", "after", "snapshot")
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    topics: _containers.RepeatedScalarFieldContainer[str]
    after: str
    snapshot: bool
    def __init__(self, topics: _Optional[_Iterable[str]] = ..., after: _Optional[str] = ..., snapshot: bool = ...) -> None: ...

class WatchServersRequest(_message.Message):
    __slots__ = ("after", "names")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    after: str
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, after: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("event", "missed", "reset", "snapshot", "synced", "position")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    SYNCED_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    event: Event
    missed: MissedEvents
    reset: StreamReset
    snapshot: _server_pb2.Server
    synced: StreamSynced
    position: str
    def __init__(self, event: _Optional[_Union[Event, _Mapping]] = ..., missed: _Optional[_Union[MissedEvents, _Mapping]] = ..., reset: _Optional[_Union[StreamReset, _Mapping]] = ..., snapshot: _Optional[_Union[_server_pb2.Server, _Mapping]] = ..., synced: _Optional[_Union[StreamSynced, _Mapping]] = ..., position: _Optional[str] = ...) -> None: ...

class MissedEvents(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: float
    def __init__(self, count: _Optional[float] = ...) -> None: ...

class StreamReset(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class StreamSynced(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
