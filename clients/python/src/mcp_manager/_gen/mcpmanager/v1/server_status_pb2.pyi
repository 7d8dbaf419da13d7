from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from mcp_manager._gen.mcpmanager.v1 import route_pb2 as _route_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServerStatus(_message.Message):
    __slots__ = ("state", "since", "revision", "replicas", "traffic", "route", "deployment", "aborted_generation", "breaker", "breaker_detail", "load", "recent_events", "tools", "last_failure", "conditions", "observed_generation")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    ABORTED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    BREAKER_DETAIL_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    RECENT_EVENTS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    state: str
    since: str
    revision: str
    replicas: _common_pb2.ReplicaCount
    traffic: _containers.RepeatedCompositeFieldContainer[TrafficShare]
    route: _route_pb2.Route
    deployment: str
    aborted_generation: int
    breaker: str
    breaker_detail: BreakerDetail
    load: ServerLoad
    recent_events: _containers.RepeatedCompositeFieldContainer[RecentEvent]
    tools: int
    last_failure: _common_pb2.LastFailure
    conditions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Condition]
    observed_generation: int
    def __init__(self, state: _Optional[str] = ..., since: _Optional[str] = ..., revision: _Optional[str] = ..., replicas: _Optional[_Union[_common_pb2.ReplicaCount, _Mapping]] = ..., traffic: _Optional[_Iterable[_Union[TrafficShare, _Mapping]]] = ..., route: _Optional[_Union[_route_pb2.Route, _Mapping]] = ..., deployment: _Optional[str] = ..., aborted_generation: _Optional[int] = ..., breaker: _Optional[str] = ..., breaker_detail: _Optional[_Union[BreakerDetail, _Mapping]] = ..., load: _Optional[_Union[ServerLoad, _Mapping]] = ..., recent_events: _Optional[_Iterable[_Union[RecentEvent, _Mapping]]] = ..., tools: _Optional[int] = ..., last_failure: _Optional[_Union[_common_pb2.LastFailure, _Mapping]] = ..., conditions: _Optional[_Iterable[_Union[_common_pb2.Condition, _Mapping]]] = ..., observed_generation: _Optional[int] = ...) -> None: ...

class TrafficShare(_message.Message):
    __slots__ = ("revision", "weight")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    revision: str
    weight: float
    def __init__(self, revision: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class BreakerDetail(_message.Message):
    __slots__ = ("reason", "since", "retry_at", "forced_by", "tools")
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_FIELD_NUMBER: _ClassVar[int]
    FORCED_BY_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    since: str
    retry_at: str
    forced_by: str
    tools: _containers.RepeatedCompositeFieldContainer[ToolBreaker]
    def __init__(self, reason: _Optional[str] = ..., since: _Optional[str] = ..., retry_at: _Optional[str] = ..., forced_by: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[ToolBreaker, _Mapping]]] = ...) -> None: ...

class ToolBreaker(_message.Message):
    __slots__ = ("tool", "state", "reason")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    tool: str
    state: str
    reason: str
    def __init__(self, tool: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ServerLoad(_message.Message):
    __slots__ = ("in_flight", "concurrency", "waiting", "refused", "retries", "ejected", "held_off")
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    EJECTED_FIELD_NUMBER: _ClassVar[int]
    HELD_OFF_FIELD_NUMBER: _ClassVar[int]
    in_flight: int
    concurrency: int
    waiting: int
    refused: RefusedCalls
    retries: float
    ejected: _containers.RepeatedScalarFieldContainer[str]
    held_off: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, in_flight: _Optional[int] = ..., concurrency: _Optional[int] = ..., waiting: _Optional[int] = ..., refused: _Optional[_Union[RefusedCalls, _Mapping]] = ..., retries: _Optional[float] = ..., ejected: _Optional[_Iterable[str]] = ..., held_off: _Optional[_Iterable[str]] = ...) -> None: ...

class RefusedCalls(_message.Message):
    __slots__ = ("breaker", "held_off", "queue", "rate")
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    HELD_OFF_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    breaker: float
    held_off: float
    queue: float
    rate: float
    def __init__(self, breaker: _Optional[float] = ..., held_off: _Optional[float] = ..., queue: _Optional[float] = ..., rate: _Optional[float] = ...) -> None: ...

class RecentEvent(_message.Message):
    __slots__ = ("at", "topic", "replica", "message", "severity")
    AT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    at: str
    topic: str
    replica: str
    message: str
    severity: str
    def __init__(self, at: _Optional[str] = ..., topic: _Optional[str] = ..., replica: _Optional[str] = ..., message: _Optional[str] = ..., severity: _Optional[str] = ...) -> None: ...
