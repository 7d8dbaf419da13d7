from mcp_manager._gen.mcpmanager.v1 import common_pb2 as _common_pb2
from mcp_manager._gen.mcpmanager.v1 import event_pb2 as _event_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Webhook(_message.Message):
    __slots__ = ("kind", "metadata", "spec", "status")
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    metadata: _common_pb2.Metadata
    spec: WebhookSpec
    status: WebhookStatus
    def __init__(self, kind: _Optional[str] = ..., metadata: _Optional[_Union[_common_pb2.Metadata, _Mapping]] = ..., spec: _Optional[_Union[WebhookSpec, _Mapping]] = ..., status: _Optional[_Union[WebhookStatus, _Mapping]] = ...) -> None: ...

class WebhookSpec(_message.Message):
    __slots__ = ("url", "topics", "secret", "template", "enabled")
    URL_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    url: str
    topics: _containers.RepeatedScalarFieldContainer[str]
    secret: str
    template: str
    enabled: bool
    def __init__(self, url: _Optional[str] = ..., topics: _Optional[_Iterable[str]] = ..., secret: _Optional[str] = ..., template: _Optional[str] = ..., enabled: bool = ...) -> None: ...

class WebhookStatus(_message.Message):
    __slots__ = ("state", "last_delivery", "last_failure", "pending", "dead_letters", "position", "gone_generation")
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAST_DELIVERY_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    GONE_GENERATION_FIELD_NUMBER: _ClassVar[int]
    state: str
    last_delivery: WebhookDelivery
    last_failure: WebhookFailure
    pending: int
    dead_letters: int
    position: str
    gone_generation: int
    def __init__(self, state: _Optional[str] = ..., last_delivery: _Optional[_Union[WebhookDelivery, _Mapping]] = ..., last_failure: _Optional[_Union[WebhookFailure, _Mapping]] = ..., pending: _Optional[int] = ..., dead_letters: _Optional[int] = ..., position: _Optional[str] = ..., gone_generation: _Optional[int] = ...) -> None: ...

class WebhookDelivery(_message.Message):
    __slots__ = ("at", "status", "duration_ms")
    AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    at: str
    status: int
    duration_ms: float
    def __init__(self, at: _Optional[str] = ..., status: _Optional[int] = ..., duration_ms: _Optional[float] = ...) -> None: ...

class WebhookFailure(_message.Message):
    __slots__ = ("at", "message")
    AT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    at: str
    message: str
    def __init__(self, at: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class DeadLetter(_message.Message):
    __slots__ = ("kind", "metadata", "spec", "status")
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    metadata: _common_pb2.Metadata
    spec: DeadLetterSpec
    status: DeadLetterStatus
    def __init__(self, kind: _Optional[str] = ..., metadata: _Optional[_Union[_common_pb2.Metadata, _Mapping]] = ..., spec: _Optional[_Union[DeadLetterSpec, _Mapping]] = ..., status: _Optional[_Union[DeadLetterStatus, _Mapping]] = ...) -> None: ...

class DeadLetterSpec(_message.Message):
    __slots__ = ("source", "delivery_id", "event", "first_attempt_at")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    FIRST_ATTEMPT_AT_FIELD_NUMBER: _ClassVar[int]
    source: DeadLetterSource
    delivery_id: str
    event: _event_pb2.Event
    first_attempt_at: str
    def __init__(self, source: _Optional[_Union[DeadLetterSource, _Mapping]] = ..., delivery_id: _Optional[str] = ..., event: _Optional[_Union[_event_pb2.Event, _Mapping]] = ..., first_attempt_at: _Optional[str] = ...) -> None: ...

class DeadLetterSource(_message.Message):
    __slots__ = ("kind", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class DeadLetterStatus(_message.Message):
    __slots__ = ("attempts", "last_error", "last_status", "at")
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    LAST_STATUS_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    attempts: int
    last_error: str
    last_status: int
    at: str
    def __init__(self, attempts: _Optional[int] = ..., last_error: _Optional[str] = ..., last_status: _Optional[int] = ..., at: _Optional[str] = ...) -> None: ...
