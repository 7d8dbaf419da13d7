from google.protobuf import struct_pb2 as _struct_pb2
from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from mcp_manager._gen.mcpmanager.v1 import server_status_pb2 as _server_status_pb2
from mcp_manager._gen.mcpmanager.v1 import strategy_pb2 as _strategy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Server(_message.Message):
    __slots__ = ("kind", "metadata", "spec", "status")
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    metadata: _common_pb2.Metadata
    spec: ServerSpec
    status: _server_status_pb2.ServerStatus
    def __init__(self, kind: _Optional[str] = ..., metadata: _Optional[_Union[_common_pb2.Metadata, _Mapping]] = ..., spec: _Optional[_Union[ServerSpec, _Mapping]] = ..., status: _Optional[_Union[_server_status_pb2.ServerStatus, _Mapping]] = ...) -> None: ...

class ServerSpec(_message.Message):
    __slots__ = ("source", "replicas", "sharing", "strategy", "deployment", "health", "breaker", "limits", "sandbox", "autoscale", "expose", "auth")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    SHARING_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    AUTOSCALE_FIELD_NUMBER: _ClassVar[int]
    EXPOSE_FIELD_NUMBER: _ClassVar[int]
    AUTH_FIELD_NUMBER: _ClassVar[int]
    source: ServerSource
    replicas: int
    sharing: str
    strategy: _strategy_pb2.Strategy
    deployment: DeploymentRules
    health: HealthRules
    breaker: BreakerRules
    limits: Limits
    sandbox: _struct_pb2.Value
    autoscale: Autoscale
    expose: Expose
    auth: UpstreamAuth
    def __init__(self, source: _Optional[_Union[ServerSource, _Mapping]] = ..., replicas: _Optional[int] = ..., sharing: _Optional[str] = ..., strategy: _Optional[_Union[_strategy_pb2.Strategy, _Mapping]] = ..., deployment: _Optional[_Union[DeploymentRules, _Mapping]] = ..., health: _Optional[_Union[HealthRules, _Mapping]] = ..., breaker: _Optional[_Union[BreakerRules, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., sandbox: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., autoscale: _Optional[_Union[Autoscale, _Mapping]] = ..., expose: _Optional[_Union[Expose, _Mapping]] = ..., auth: _Optional[_Union[UpstreamAuth, _Mapping]] = ...) -> None: ...

class ServerSource(_message.Message):
    __slots__ = ("kind", "command", "args", "cwd", "env", "url", "transport", "headers")
    class EnvEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    command: str
    args: _containers.RepeatedScalarFieldContainer[str]
    cwd: str
    env: _containers.ScalarMap[str, str]
    url: str
    transport: str
    headers: _containers.ScalarMap[str, str]
    def __init__(self, kind: _Optional[str] = ..., command: _Optional[str] = ..., args: _Optional[_Iterable[str]] = ..., cwd: _Optional[str] = ..., env: _Optional[_Mapping[str, str]] = ..., url: _Optional[str] = ..., transport: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class DeploymentRules(_message.Message):
    __slots__ = ("progress_deadline", "drain_timeout", "accept_breaking", "review_semantic", "auto_rollback")
    PROGRESS_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    DRAIN_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_BREAKING_FIELD_NUMBER: _ClassVar[int]
    REVIEW_SEMANTIC_FIELD_NUMBER: _ClassVar[int]
    AUTO_ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    progress_deadline: str
    drain_timeout: str
    accept_breaking: bool
    review_semantic: bool
    auto_rollback: bool
    def __init__(self, progress_deadline: _Optional[str] = ..., drain_timeout: _Optional[str] = ..., accept_breaking: bool = ..., review_semantic: bool = ..., auto_rollback: bool = ...) -> None: ...

class HealthRules(_message.Message):
    __slots__ = ("interval", "timeout", "failures", "successes", "startup")
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    SUCCESSES_FIELD_NUMBER: _ClassVar[int]
    STARTUP_FIELD_NUMBER: _ClassVar[int]
    interval: str
    timeout: str
    failures: int
    successes: int
    startup: str
    def __init__(self, interval: _Optional[str] = ..., timeout: _Optional[str] = ..., failures: _Optional[int] = ..., successes: _Optional[int] = ..., startup: _Optional[str] = ...) -> None: ...

class BreakerRules(_message.Message):
    __slots__ = ("enabled", "failure_ratio", "min_calls", "window", "open_for")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_RATIO_FIELD_NUMBER: _ClassVar[int]
    MIN_CALLS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    OPEN_FOR_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    failure_ratio: float
    min_calls: int
    window: str
    open_for: str
    def __init__(self, enabled: bool = ..., failure_ratio: _Optional[float] = ..., min_calls: _Optional[int] = ..., window: _Optional[str] = ..., open_for: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("concurrency", "queue", "call_timeout", "memory", "cpu", "processes", "leases", "rate")
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    CALL_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    concurrency: int
    queue: int
    call_timeout: str
    memory: str
    cpu: float
    processes: int
    leases: int
    rate: RateLimit
    def __init__(self, concurrency: _Optional[int] = ..., queue: _Optional[int] = ..., call_timeout: _Optional[str] = ..., memory: _Optional[str] = ..., cpu: _Optional[float] = ..., processes: _Optional[int] = ..., leases: _Optional[int] = ..., rate: _Optional[_Union[RateLimit, _Mapping]] = ...) -> None: ...

class RateLimit(_message.Message):
    __slots__ = ("per_second", "burst")
    PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    per_second: float
    burst: int
    def __init__(self, per_second: _Optional[float] = ..., burst: _Optional[int] = ...) -> None: ...

class Autoscale(_message.Message):
    __slots__ = ("min", "max", "target", "idle_after")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    IDLE_AFTER_FIELD_NUMBER: _ClassVar[int]
    min: int
    max: int
    target: AutoscaleTarget
    idle_after: str
    def __init__(self, min: _Optional[int] = ..., max: _Optional[int] = ..., target: _Optional[_Union[AutoscaleTarget, _Mapping]] = ..., idle_after: _Optional[str] = ...) -> None: ...

class AutoscaleTarget(_message.Message):
    __slots__ = ("in_flight",)
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    in_flight: int
    def __init__(self, in_flight: _Optional[int] = ...) -> None: ...

class Expose(_message.Message):
    __slots__ = ("prefix", "tools")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    tools: ToolExposure
    def __init__(self, prefix: _Optional[str] = ..., tools: _Optional[_Union[ToolExposure, _Mapping]] = ...) -> None: ...

class ToolExposure(_message.Message):
    __slots__ = ("allow", "deny", "override")
    class OverrideEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ToolOverride
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ToolOverride, _Mapping]] = ...) -> None: ...
    ALLOW_FIELD_NUMBER: _ClassVar[int]
    DENY_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    allow: _struct_pb2.ListValue
    deny: _struct_pb2.ListValue
    override: _containers.MessageMap[str, ToolOverride]
    def __init__(self, allow: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ..., deny: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ..., override: _Optional[_Mapping[str, ToolOverride]] = ...) -> None: ...

class ToolOverride(_message.Message):
    __slots__ = ("name", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class UpstreamAuth(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: str
    def __init__(self, kind: _Optional[str] = ...) -> None: ...
