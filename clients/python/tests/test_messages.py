"""What people write becomes messages, and what does not fit is named as they wrote it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mcp_manager
from mcp_manager import OPERATIONS, InvalidArgument, MCPManager, SyncManager, errors
from mcp_manager._gen.mcpmanager.v1 import service_pb2
from mcp_manager.messages import content, request
from mcp_manager.operations import RPCS
from mcp_manager.resources import resource, server_resource

PACKAGE = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("spec", "path", "says"),
    [
        ({"sorce": {}}, "spec.sorce", "did you mean source"),
        ({"limits": {"callTimout": "1s"}}, "spec.limits.callTimout", "did you mean callTimeout"),
        ({"replicas": "two"}, "spec.replicas", "two"),
        ({"source": {"args": "x"}}, "spec.source.args", "x"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(spec: dict[str, Any], path: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as raised:
        request("DeployServer", {"server": {"metadata": {"name": "a"}, "spec": spec}})
    assert [field.path for field in raised.value.fields] == [path]


def test_json_comes_back_as_it_went_in() -> None:
    server = {"metadata": {"name": "a"}, "spec": {"source": {"kind": "process", "command": "x"}, "sandbox": {"level": "strict"}}}
    assert content(request("CreateServer", {"server": server})) == {"server": server}


def test_whole_numbers_stay_whole() -> None:
    traffic = [{"revision": "a-1", "weight": 100}]
    answer = content(request("CreateServer", {"server": {"status": {"traffic": traffic}}}))
    assert repr(answer["server"]["status"]["traffic"]) == repr(traffic)


def test_a_resource_needs_a_name() -> None:
    nameless: dict[str, Any]
    for nameless in ({"spec": {}}, {"command": "x"}, {"metadata": {}, "spec": {}}):
        with pytest.raises(InvalidArgument, match="needs a name"):
            server_resource(nameless)
    assert resource({"metadata": {"name": "a"}}) == {"metadata": {"name": "a"}}


def test_the_short_form_of_a_source_is_the_configuration_files() -> None:
    remote = server_resource({"name": "w", "labels": {"team": "x"}, "url": "https://example.com/mcp", "headers": {"A": "b"}})
    assert remote == {
        "metadata": {"name": "w", "labels": {"team": "x"}},
        "spec": {"source": {"kind": "remote", "url": "https://example.com/mcp", "headers": {"A": "b"}}},
    }


def test_every_method_of_the_service_is_here_for_both_kinds_of_programs() -> None:
    served = {method.name for method in service_pb2.DESCRIPTOR.services_by_name["MCPManager"].methods}
    assert set(RPCS.values()) | {"WatchServers"} == served
    for method in (*OPERATIONS.values(), "watch_servers"):
        blocking = getattr(SyncManager, method)
        assert inspect.getdoc(getattr(MCPManager, method)), f"{method} says what it does"
        assert inspect.getdoc(blocking), f"{method} says what it does where it waits, too"


def test_codes_are_the_projects() -> None:
    text = (PACKAGE.parents[1] / "packages" / "api" / "src" / "error.ts").read_text()
    table = text.partition("errorCodes: Readonly<Record<ErrorCode, CodeMapping>> = {")[2].partition("\n};")[0]
    codes = {line.split(":")[0].strip(): "retryable: true" in line for line in table.splitlines() if "http:" in line}
    assert {code: kind.retryable for code, kind in errors.BY_CODE.items()} == codes


def test_generated_code_is_what_the_proto_files_say(tmp_path: Path) -> None:
    made = tmp_path / "_gen"
    subprocess.run([sys.executable, PACKAGE / "scripts" / "generate.py", "--into", made], check=True)
    committed = PACKAGE / "src" / "mcp_manager" / "_gen"

    def read(folder: Path) -> dict[str, str]:
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py*") if path.suffix in (".py", ".pyi")}

    assert read(made) == read(committed), "run scripts/generate.py"


def test_star_brings_no_name_of_pythons_own() -> None:
    import builtins

    assert not [name for name in mcp_manager.__all__ if hasattr(builtins, name)]
    assert mcp_manager.ConnectionError is mcp_manager.Unavailable
