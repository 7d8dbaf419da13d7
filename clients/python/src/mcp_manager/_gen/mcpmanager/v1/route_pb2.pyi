from mcp_manager._gen.mcpmanager.v1 import strategy_pb2 as _strategy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Route(_message.Message):
    __slots__ = ("stable", "next", "draining", "tasks_only")
    STABLE_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    TASKS_ONLY_FIELD_NUMBER: _ClassVar[int]
    stable: str
    next: NextRoute
    draining: _containers.RepeatedScalarFieldContainer[str]
    tasks_only: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, stable: _Optional[str] = ..., next: _Optional[_Union[NextRoute, _Mapping]] = ..., draining: _Optional[_Iterable[str]] = ..., tasks_only: _Optional[_Iterable[str]] = ...) -> None: ...

class NextRoute(_message.Message):
    __slots__ = ("revision", "weight", "salt", "match", "differs")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    DIFFERS_FIELD_NUMBER: _ClassVar[int]
    revision: str
    weight: float
    salt: str
    match: _containers.RepeatedCompositeFieldContainer[_strategy_pb2.Match]
    differs: bool
    def __init__(self, revision: _Optional[str] = ..., weight: _Optional[float] = ..., salt: _Optional[str] = ..., match: _Optional[_Iterable[_Union[_strategy_pb2.Match, _Mapping]]] = ..., differs: bool = ...) -> None: ...
