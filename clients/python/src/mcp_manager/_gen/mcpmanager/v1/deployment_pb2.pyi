from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from mcp_manager._gen.mcpmanager.v1 import strategy_pb2 as _strategy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Deployment(_message.Message):
    __slots__ = ("kind", "metadata", "spec", "status")
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    metadata: _common_pb2.Metadata
    spec: DeploymentSpec
    status: DeploymentStatus
    def __init__(self, kind: _Optional[str] = ..., metadata: _Optional[_Union[_common_pb2.Metadata, _Mapping]] = ..., spec: _Optional[_Union[DeploymentSpec, _Mapping]] = ..., status: _Optional[_Union[DeploymentStatus, _Mapping]] = ...) -> None: ...

class DeploymentSpec(_message.Message):
    __slots__ = ("server", "to", "strategy", "accept_breaking", "accepted_by", "rollback", "generation")
    SERVER_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_BREAKING_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_BY_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    server: str
    to: str
    strategy: _strategy_pb2.Strategy
    accept_breaking: bool
    accepted_by: str
    rollback: bool
    generation: int
    def __init__(self, server: _Optional[str] = ..., to: _Optional[str] = ..., strategy: _Optional[_Union[_strategy_pb2.Strategy, _Mapping]] = ..., accept_breaking: bool = ..., accepted_by: _Optional[str] = ..., rollback: bool = ..., generation: _Optional[int] = ..., **kwargs) -> None: ...

class DeploymentStatus(_message.Message):
    __slots__ = ("phase", "reason", "message", "step", "traffic", "replicas", "schema_diff", "analysis", "variants", "since", "finished_at", "progress")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_DIFF_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    VARIANTS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    phase: str
    reason: str
    message: str
    step: DeploymentStep
    traffic: DeploymentTraffic
    replicas: DeploymentReplicas
    schema_diff: SchemaDiff
    analysis: _containers.RepeatedCompositeFieldContainer[AnalysisResult]
    variants: _containers.RepeatedCompositeFieldContainer[VariantResult]
    since: str
    finished_at: str
    progress: DeploymentProgress
    def __init__(self, phase: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., step: _Optional[_Union[DeploymentStep, _Mapping]] = ..., traffic: _Optional[_Union[DeploymentTraffic, _Mapping]] = ..., replicas: _Optional[_Union[DeploymentReplicas, _Mapping]] = ..., schema_diff: _Optional[_Union[SchemaDiff, _Mapping]] = ..., analysis: _Optional[_Iterable[_Union[AnalysisResult, _Mapping]]] = ..., variants: _Optional[_Iterable[_Union[VariantResult, _Mapping]]] = ..., since: _Optional[str] = ..., finished_at: _Optional[str] = ..., progress: _Optional[_Union[DeploymentProgress, _Mapping]] = ...) -> None: ...

class DeploymentStep(_message.Message):
    __slots__ = ("index", "of", "weight", "since")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    index: int
    of: int
    weight: float
    since: str
    def __init__(self, index: _Optional[int] = ..., of: _Optional[int] = ..., weight: _Optional[float] = ..., since: _Optional[str] = ...) -> None: ...

class DeploymentTraffic(_message.Message):
    __slots__ = ("target", "new_sessions", "requests")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    NEW_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    target: float
    new_sessions: float
    requests: float
    def __init__(self, target: _Optional[float] = ..., new_sessions: _Optional[float] = ..., requests: _Optional[float] = ...) -> None: ...

class DeploymentReplicas(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: _common_pb2.ReplicaCount
    def __init__(self, to: _Optional[_Union[_common_pb2.ReplicaCount, _Mapping]] = ..., **kwargs) -> None: ...

class SchemaDiff(_message.Message):
    __slots__ = ("changes",)
    CLASS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[SchemaChange]
    def __init__(self, changes: _Optional[_Iterable[_Union[SchemaChange, _Mapping]]] = ..., **kwargs) -> None: ...

class SchemaChange(_message.Message):
    __slots__ = ("subject", "message", "diff")
    CLASS_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    subject: str
    message: str
    diff: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subject: _Optional[str] = ..., message: _Optional[str] = ..., diff: _Optional[_Iterable[str]] = ..., **kwargs) -> None: ...

class AnalysisResult(_message.Message):
    __slots__ = ("name", "result", "value", "threshold", "samples", "dry_run", "message")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    result: str
    value: float
    threshold: float
    samples: float
    dry_run: bool
    message: str
    def __init__(self, name: _Optional[str] = ..., result: _Optional[str] = ..., value: _Optional[float] = ..., threshold: _Optional[float] = ..., samples: _Optional[float] = ..., dry_run: bool = ..., message: _Optional[str] = ...) -> None: ...

class VariantResult(_message.Message):
    __slots__ = ("revision", "requests", "error_rate", "p95_ms")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_RATE_FIELD_NUMBER: _ClassVar[int]
    P95_MS_FIELD_NUMBER: _ClassVar[int]
    revision: str
    requests: float
    error_rate: float
    p95_ms: float
    def __init__(self, revision: _Optional[str] = ..., requests: _Optional[float] = ..., error_rate: _Optional[float] = ..., p95_ms: _Optional[float] = ...) -> None: ...

class DeploymentProgress(_message.Message):
    __slots__ = ("elapsed_ms", "stalled_ms", "resume_to", "accepted", "accepted_by", "promoted", "failures", "errors", "watched_ms", "ready", "failed_before", "draining", "kept_ms", "unstable_ms", "calls_ms")
    class FailuresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class ErrorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class ReadyEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class DrainingEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class CallsMsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ELAPSED_MS_FIELD_NUMBER: _ClassVar[int]
    STALLED_MS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TO_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_BY_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    WATCHED_MS_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    FAILED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    KEPT_MS_FIELD_NUMBER: _ClassVar[int]
    UNSTABLE_MS_FIELD_NUMBER: _ClassVar[int]
    CALLS_MS_FIELD_NUMBER: _ClassVar[int]
    elapsed_ms: float
    stalled_ms: float
    resume_to: str
    accepted: str
    accepted_by: str
    promoted: str
    failures: _containers.ScalarMap[str, int]
    errors: _containers.ScalarMap[str, int]
    watched_ms: float
    ready: _containers.ScalarMap[str, float]
    failed_before: int
    draining: _containers.ScalarMap[str, float]
    kept_ms: float
    unstable_ms: float
    calls_ms: _containers.ScalarMap[str, float]
    def __init__(self, elapsed_ms: _Optional[float] = ..., stalled_ms: _Optional[float] = ..., resume_to: _Optional[str] = ..., accepted: _Optional[str] = ..., accepted_by: _Optional[str] = ..., promoted: _Optional[str] = ..., failures: _Optional[_Mapping[str, int]] = ..., errors: _Optional[_Mapping[str, int]] = ..., watched_ms: _Optional[float] = ..., ready: _Optional[_Mapping[str, float]] = ..., failed_before: _Optional[int] = ..., draining: _Optional[_Mapping[str, float]] = ..., kept_ms: _Optional[float] = ..., unstable_ms: _Optional[float] = ..., calls_ms: _Optional[_Mapping[str, float]] = ...) -> None: ...
