import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationName } from "@mcp-manager/api";
import { ManagerError, operations } from "@mcp-manager/api";
import { auditEntry, type AuditedOperation } from "./audit-entry.ts";

function asked(name: OperationName, path: Record<string, string> = {}): AuditedOperation {
  const principal = { name: "key:ci", roles: ["operator"], authMethod: "api-key" };
  return { name, operation: operations[name], path, principal, address: "127.0.0.1" };
}

test("a change says who did what to which thing", () => {
  assert.deepEqual(auditEntry(asked("putServer", { name: "weather" })), {
    who: "key:ci",
    authMethod: "api-key",
    action: "putServer",
    target: "servers/weather",
    outcome: "allowed",
    address: "127.0.0.1",
  });
  assert.equal(auditEntry(asked("restartServer", { name: "weather" }))?.target, "servers/weather");
  assert.equal(auditEntry(asked("setBreaker", { name: "weather" }))?.target, "servers/weather");
  const call = auditEntry(asked("callTool", { name: "weather", tool: "forecast" }));
  assert.equal(call?.target, "servers/weather/tools/forecast");
  assert.equal(auditEntry(asked("createApiKey"))?.target, "api-keys");
});

test("what failed says why, in a code", () => {
  const entry = auditEntry(asked("putServer", { name: "weather" }), new ManagerError("conflict", "moved on"));
  assert.equal(entry?.outcome, "failed");
  assert.equal(entry?.reason, "conflict");
});

test("reads are noted only when they were denied", () => {
  assert.equal(auditEntry(asked("listServers")), undefined);
  assert.equal(auditEntry(asked("listServers"), new ManagerError("unavailable", "away")), undefined);
  const denied = auditEntry(asked("readLogs", { name: "weather" }), new ManagerError("permission_denied", "no"));
  assert.equal(denied?.outcome, "denied");
});
