"""Every operation sends what its method was given, to the gRPC method that it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fake_manager import Context, FakeManager, connected, message
from google.protobuf.message import Message

from mcp_manager import OPERATIONS
from mcp_manager.messages import content, types_of
from mcp_manager.operations import RPCS

Call = tuple[tuple[Any, ...], Mapping[str, Any], Mapping[str, Any]]

NAME: Call = (("a",), {}, {"name": "a"})
PAGE: Call = ((), {"limit": 5}, {"limit": 5})
LABELLED_PAGE: Call = ((), {"limit": 5, "labels": {"a": "b", "c": "d"}}, {"limit": 5, "labels": "a=b,c=d"})
NAMED_PAGE: Call = (("a",), {"limit": 5}, {"name": "a", "limit": 5})
NOTHING: Call = ((), {}, {})
SOURCE = {"kind": "process", "command": "x"}
SERVER = {"metadata": {"name": "a"}, "spec": {"source": SOURCE}}
WEBHOOK: dict[str, Any] = {"metadata": {"name": "a"}, "spec": {"url": "https://example.com/hook", "topics": ["server.*"]}}
SECRET = {"metadata": {"name": "a", "labels": {"team": "x"}}, "spec": {"value": "v"}}

CALLS: Mapping[str, Call] = {
    "create_server": ((SERVER,), {}, {"server": SERVER, "dryRun": False}),
    "deploy_server": ((SERVER,), {"dry_run": True, "if_revision": "7"}, {"server": SERVER, "dryRun": True, "ifRevision": "7"}),
    "get_server": NAME,
    "delete_server": (("a",), {"force": True, "if_revision": "7"}, {"name": "a", "force": True, "ifRevision": "7"}),
    "restart_server": (("a",), {"replica": "a-1-x"}, {"name": "a", "replica": "a-1-x"}),
    "set_breaker": (("a", "open", "why"), {}, {"name": "a", "state": "open", "reason": "why"}),
    "create_deployment": (
        ("a",),
        {"source": SOURCE, "strategy": {"kind": "canary"}, "accept_breaking": True},
        {"name": "a", "source": SOURCE, "strategy": {"kind": "canary"}, "acceptBreaking": True},
    ),
    "rollback_server": (("a", "a-1"), {}, {"name": "a", "to": "a-1"}),
    "list_server_deployments": NAMED_PAGE,
    "list_revisions": NAMED_PAGE,
    "diff_revisions": (("a", "a-1", "a-2"), {}, {"name": "a", "from": "a-1", "to": "a-2"}),
    "list_replicas": NAMED_PAGE,
    "list_tools": NAME,
    "list_deployments": PAGE,
    "get_deployment": NAME,
    "promote_deployment": (("a",), {"full": True, "accept_breaking": True}, {"name": "a", "full": True, "acceptBreaking": True}),
    "pause_deployment": NAME,
    "resume_deployment": NAME,
    "abort_deployment": NAME,
    "retry_deployment": NAME,
    "list_webhooks": LABELLED_PAGE,
    "create_webhook": (({"name": "a", **WEBHOOK["spec"]},), {}, {"webhook": WEBHOOK}),
    "get_webhook": NAME,
    "put_webhook": ((WEBHOOK,), {"if_revision": "7"}, {"webhook": WEBHOOK, "ifRevision": "7"}),
    "delete_webhook": (("a",), {"if_revision": "7"}, {"name": "a", "ifRevision": "7"}),
    "list_dead_letters": ((), {"webhook": "a", "limit": 5}, {"webhook": "a", "limit": 5}),
    "get_dead_letter": NAME,
    "delete_dead_letter": NAME,
    "replay_dead_letter": NAME,
    "purge_dead_letters": ((), {"webhook": "a"}, {"webhook": "a"}),
    "replay_dead_letters": ((), {"webhook": "a"}, {"webhook": "a"}),
    "list_api_keys": LABELLED_PAGE,
    "create_api_key": (
        ("a", ["viewer"]),
        {"principal": "ci", "expires_at": "2027-01-01T00:00:00Z"},
        {"apiKey": {"metadata": {"name": "a"}, "spec": {"roles": ["viewer"], "principal": "ci", "expiresAt": "2027-01-01T00:00:00Z"}}},
    ),
    "get_api_key": NAME,
    "delete_api_key": NAME,
    "list_secrets": LABELLED_PAGE,
    "create_secret": (("a", "v"), {"labels": {"team": "x"}}, {"secret": SECRET}),
    "get_secret": NAME,
    "put_secret": (("a", "v"), {"labels": {"team": "x"}, "if_revision": "7"}, {"secret": SECRET, "ifRevision": "7"}),
    "delete_secret": (("a",), {"force": True, "if_revision": "7"}, {"name": "a", "force": True, "ifRevision": "7"}),
    "import_config": (
        ("{}",),
        {"filename": "mcp.json", "replace": True, "dry_run": True},
        {"text": "{}", "filename": "mcp.json", "replace": True, "dryRun": True},
    ),
    "diff_config": (("{}",), {"filename": "mcp.json"}, {"text": "{}", "filename": "mcp.json"}),
    "get_health": NOTHING,
    "get_openapi": NOTHING,
}

ELSEWHERE = {"list_servers", "execute_tool", "read_logs", "watch"}
"""Streams, and what goes as bytes: test_manager.py, test_events.py, test_calls.py."""


def test_the_table_is_whole() -> None:
    assert CALLS.keys() | ELSEWHERE == set(OPERATIONS.values())


@pytest.mark.parametrize("method", CALLS)
def test_whatever_a_request_can_hold_can_be_given(method: str) -> None:
    known = {field.json_name for field in types_of(RPCS[method])[0].DESCRIPTOR.fields}
    assert known - {"cursor"} == CALLS[method][2].keys(), "the cursor is the method's own affair"


@pytest.mark.parametrize("method", CALLS)
async def test_a_method_sends_what_it_was_given(fake: FakeManager, method: str) -> None:
    rpc = RPCS[method]
    args, kwargs, expected = CALLS[method]

    async def answer(_: object, __: Context) -> Message:
        return message(rpc, **({"server": SERVER} if method == "deploy_server" else {}))

    fake.answers[rpc] = answer
    async with connected(fake) as manager:
        await getattr(manager, method)(*args, **kwargs)
    [(asked, request)] = fake.asked
    assert (asked, content(request)) == (rpc, expected)
