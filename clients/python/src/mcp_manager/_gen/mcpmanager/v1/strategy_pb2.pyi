from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Strategy(_message.Message):
    __slots__ = ("kind", "max_surge", "max_unavailable", "min_ready", "auto_promote", "preview_for", "scale_down_delay", "steps", "analysis", "variants", "match")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MAX_SURGE_FIELD_NUMBER: _ClassVar[int]
    MAX_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    MIN_READY_FIELD_NUMBER: _ClassVar[int]
    AUTO_PROMOTE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FOR_FIELD_NUMBER: _ClassVar[int]
    SCALE_DOWN_DELAY_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    VARIANTS_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    kind: str
    max_surge: int
    max_unavailable: int
    min_ready: str
    auto_promote: bool
    preview_for: str
    scale_down_delay: str
    steps: _containers.RepeatedCompositeFieldContainer[CanaryStep]
    analysis: _struct_pb2.ListValue
    variants: _containers.RepeatedCompositeFieldContainer[Variant]
    match: _containers.RepeatedCompositeFieldContainer[Match]
    def __init__(self, kind: _Optional[str] = ..., max_surge: _Optional[int] = ..., max_unavailable: _Optional[int] = ..., min_ready: _Optional[str] = ..., auto_promote: bool = ..., preview_for: _Optional[str] = ..., scale_down_delay: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[CanaryStep, _Mapping]]] = ..., analysis: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ..., variants: _Optional[_Iterable[_Union[Variant, _Mapping]]] = ..., match: _Optional[_Iterable[_Union[Match, _Mapping]]] = ...) -> None: ...

class CanaryStep(_message.Message):
    __slots__ = ("weight", "pause", "min_requests", "max_wait")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    MIN_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_FIELD_NUMBER: _ClassVar[int]
    weight: float
    pause: str
    min_requests: int
    max_wait: str
    def __init__(self, weight: _Optional[float] = ..., pause: _Optional[str] = ..., min_requests: _Optional[int] = ..., max_wait: _Optional[str] = ...) -> None: ...

class Variant(_message.Message):
    __slots__ = ("revision", "weight")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    revision: str
    weight: float
    def __init__(self, revision: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class Match(_message.Message):
    __slots__ = ("client", "principal", "header")
    class PrincipalEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class HeaderEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    client: str
    principal: _containers.ScalarMap[str, str]
    header: _containers.ScalarMap[str, str]
    def __init__(self, client: _Optional[str] = ..., principal: _Optional[_Mapping[str, str]] = ..., header: _Optional[_Mapping[str, str]] = ...) -> None: ...
