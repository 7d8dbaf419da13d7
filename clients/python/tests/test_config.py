"""Which manager is meant, and with which key: as the command line finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_manager import FailedPrecondition, InvalidArgument, MCPConfig, create_manager
from mcp_manager.config import find_target


def test_without_a_word_it_is_the_manager_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin.key").write_text("from-the-file\n")
    target = find_target(MCPConfig(), {}, tmp_path)
    assert (target.address, target.url, target.api_key) == ("127.0.0.1:9090", "http://127.0.0.1:8080", "from-the-file")
    assert not target.is_secure


def test_the_environment_says_where_and_with_which_key(tmp_path: Path) -> None:
    env = {"MCP_MANAGER_URL": "http://10.0.0.7:8000/", "MCP_MANAGER_GRPC_PORT": "9999", "MCP_MANAGER_API_KEY": "k"}
    target = find_target(MCPConfig(), env, tmp_path)
    assert (target.address, target.url, target.api_key) == ("10.0.0.7:9999", "http://10.0.0.7:8000", "k")


def test_what_the_program_says_goes_first(tmp_path: Path) -> None:
    env = {"MCP_MANAGER_URL": "http://10.0.0.7:8000", "MCP_MANAGER_API_KEY": "k"}
    target = find_target(MCPConfig(address="[::1]:1234", api_key="mine"), env, tmp_path)
    assert (target.address, target.api_key) == ("[::1]:1234", "mine")


def test_the_admin_key_of_a_file_is_shown_to_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("secret")
    config = MCPConfig(address="mcp.example.com:9090", data_dir=tmp_path)
    assert find_target(config, {}, tmp_path).api_key is None


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:port", ":9090", "127.0.0.1:0", "http://"])
def test_an_address_that_is_none_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="host:port"):
        find_target(MCPConfig(address=address), {}, tmp_path)


def test_a_key_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "admin.key").mkdir()
    with pytest.raises(FailedPrecondition, match="give api_key instead"):
        find_target(MCPConfig(data_dir=tmp_path), {}, tmp_path)


def test_an_unknown_field_is_named_with_the_nearest_word() -> None:
    with pytest.raises(InvalidArgument, match="did you mean data_dir") as raised:
        create_manager({"data_dirs": "x"})
    assert raised.value.fields[0].path == "data_dirs"


def test_the_key_is_not_in_the_text_of_a_configuration() -> None:
    assert "hush" not in repr(MCPConfig(api_key="hush"))
