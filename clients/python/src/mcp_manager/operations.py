"""Every operation of the manager with the method that has it here, and what calls need to know of each. Data only.

`OPERATIONS` is read as text by a test of the repository that holds REST, gRPC, the command line and this package together.
"""

from __future__ import annotations

from collections.abc import Mapping

OPERATIONS: Mapping[str, str] = {
    "putServer": "deploy_server",
    "createServer": "create_server",
    "getServer": "get_server",
    "listServers": "list_servers",
    "deleteServer": "delete_server",
    "restartServer": "restart_server",
    "setBreaker": "set_breaker",
    "deployServer": "create_deployment",
    "rollbackServer": "rollback_server",
    "listServerDeployments": "list_server_deployments",
    "listRevisions": "list_revisions",
    "diffRevisions": "diff_revisions",
    "listReplicas": "list_replicas",
    "listTools": "list_tools",
    "callTool": "execute_tool",
    "readLogs": "read_logs",
    "listDeployments": "list_deployments",
    "getDeployment": "get_deployment",
    "promoteDeployment": "promote_deployment",
    "pauseDeployment": "pause_deployment",
    "resumeDeployment": "resume_deployment",
    "abortDeployment": "abort_deployment",
    "retryDeployment": "retry_deployment",
    "watchEvents": "watch",
    "listWebhooks": "list_webhooks",
    "createWebhook": "create_webhook",
    "getWebhook": "get_webhook",
    "putWebhook": "put_webhook",
    "deleteWebhook": "delete_webhook",
    "listDeadLetters": "list_dead_letters",
    "getDeadLetter": "get_dead_letter",
    "deleteDeadLetter": "delete_dead_letter",
    "replayDeadLetter": "replay_dead_letter",
    "purgeDeadLetters": "purge_dead_letters",
    "replayDeadLetters": "replay_dead_letters",
    "listApiKeys": "list_api_keys",
    "createApiKey": "create_api_key",
    "getApiKey": "get_api_key",
    "deleteApiKey": "delete_api_key",
    "listSecrets": "list_secrets",
    "createSecret": "create_secret",
    "getSecret": "get_secret",
    "putSecret": "put_secret",
    "deleteSecret": "delete_secret",
    "importConfig": "import_config",
    "diffConfig": "diff_config",
    "getHealth": "get_health",
    "getOpenApi": "get_openapi",
}
"""The operation's name in REST's table, and the method of `MCPManager`."""

_RPC_BY_METHOD: Mapping[str, str] = {
    "deploy_server": "DeployServer",
    "create_deployment": "CreateDeployment",
    "execute_tool": "ExecuteTool",
}

RPCS: Mapping[str, str] = {
    method: _RPC_BY_METHOD.get(method, operation[0].upper() + operation[1:]) for operation, method in OPERATIONS.items()
}
"""The gRPC method behind each method of `MCPManager`."""

_CHANGING_PUTS = ("deploy_server", "put_webhook", "put_secret", "set_breaker")

REPEATABLE: frozenset[str] = frozenset(
    method for method in OPERATIONS.values() if method.startswith(("get_", "list_", "diff_")) or method in _CHANGING_PUTS
)
"""Methods that leave things as they are when they are repeated, so that they are tried again while the manager is out of reach."""
