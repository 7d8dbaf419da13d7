from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ImportConfigRequest(_message.Message):
    __slots__ = ("text", "filename", "dry_run", "replace")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    text: str
    filename: str
    dry_run: bool
    replace: bool
    def __init__(self, text: _Optional[str] = ..., filename: _Optional[str] = ..., dry_run: bool = ..., replace: bool = ...) -> None: ...

class ImportConfigResponse(_message.Message):
    __slots__ = ("servers", "secrets", "notes")
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    servers: _containers.RepeatedCompositeFieldContainer[ImportedServer]
    secrets: _containers.RepeatedCompositeFieldContainer[ImportedSecret]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, servers: _Optional[_Iterable[_Union[ImportedServer, _Mapping]]] = ..., secrets: _Optional[_Iterable[_Union[ImportedSecret, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ImportedServer(_message.Message):
    __slots__ = ("name", "outcome", "deployment", "error", "notes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    outcome: str
    deployment: str
    error: ImportError
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., outcome: _Optional[str] = ..., deployment: _Optional[str] = ..., error: _Optional[_Union[ImportError, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ImportError(_message.Message):
    __slots__ = ("code", "message", "fields")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    fields: _containers.RepeatedCompositeFieldContainer[FieldError]
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[FieldError, _Mapping]]] = ...) -> None: ...

class FieldError(_message.Message):
    __slots__ = ("path", "given", "expected")
    PATH_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    path: str
    given: str
    expected: str
    def __init__(self, path: _Optional[str] = ..., given: _Optional[str] = ..., expected: _Optional[str] = ...) -> None: ...

class ImportedSecret(_message.Message):
    __slots__ = ("name", "server", "field")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    name: str
    server: str
    field: str
    def __init__(self, name: _Optional[str] = ..., server: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...
