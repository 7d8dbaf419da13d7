/** What the end of an attempt is called, and what its caller may do then. The table is reliability.md §2.3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError, type ManagerErrorOptions } from "@mcp-manager/api";
import type { Ending } from "../resilience/ending.ts";
import { httpFailure } from "../transport/http-status.ts";
import { endingOfFailure, endingOfResponse, failureFor } from "./call-ending.ts";

function endingOfCode(code: number): Ending {
  const message = `{"jsonrpc":"2.0","id":1,"error":{"code":${code},"message":"m"}}`;
  return endingOfResponse("protocol_error", Buffer.from(message));
}

test("an error that blames the request is the client's, any other the server's own", () => {
  for (const code of [-32600, -32601, -32602, -32002, -32020, -32021, -32022, -32042])
    assert.equal(endingOfCode(code), "client_fault", String(code));
  for (const code of [-32603, -32000, -32001, -32019, -32700, 1, 500])
    assert.equal(endingOfCode(code), "server_fault", String(code));
});

test("a result, a question and a tool's own error are answers", () => {
  const nothing = Buffer.from("{}");
  assert.equal(endingOfResponse("result", nothing), "answered");
  assert.equal(endingOfResponse("input_required", nothing), "answered");
  assert.equal(endingOfResponse("tool_error", nothing), "tool_error");
});

const error = (code: ManagerError["code"], options: ManagerErrorOptions = {}): ManagerError =>
  new ManagerError(code, "it went wrong", options);

test("what got no response is told apart by what is certain: whether it was written, and whose doing it was", () => {
  const table: readonly (readonly [ManagerError, boolean, Ending])[] = [
    [error("unavailable", { reason: "CONNECT_FAILED" }), false, "unsent"],
    [error("unavailable", { reason: "STDIN_STALLED" }), false, "unsent"],
    [error("unavailable", { reason: "LEASE_NOT_OPENED" }), false, "unsent"],
    [error("unavailable", { reason: "CONNECTION_LOST" }), true, "broken"],
    [error("protocol_error", { reason: "MESSAGE_TOO_LARGE" }), true, "broken"],
    [error("unavailable", { reason: "CONNECTION_CLOSED" }), false, "withdrawn"],
    [error("unavailable", { reason: "LEASES_EXHAUSTED" }), false, "withdrawn"],
    [error("resource_exhausted", { reason: "CONNECTION_QUEUE_FULL" }), false, "withdrawn"],
    [error("unavailable", { reason: "CONNECTION_CLOSED" }), true, "cancelled"],
    [error("deadline_exceeded"), true, "timeout"],
    [error("failed_precondition"), false, "client_fault"],
    [httpFailure("a", 429, undefined), true, "rate_limited"],
    [httpFailure("a", 503, 2_000), true, "rate_limited"],
    [httpFailure("a", 503, undefined), true, "bad_gateway"],
    [httpFailure("a", 500, undefined), true, "bad_gateway"],
    [httpFailure("a", 401, undefined), true, "client_fault"],
    [httpFailure("a", 404, undefined), true, "client_fault"],
  ];
  for (const [failure, written, ending] of table)
    assert.equal(endingOfFailure(failure, written), ending, `${failure.reason} ${written}`);
});

test("a caller hears whether it may repeat the call: not where nobody knows whether it was carried out", () => {
  const lost = error("unavailable", { server: "a", reason: "CONNECTION_LOST", retryAfterMs: 5 });
  const told = failureFor(lost, "broken", "tools/call");
  assert.deepEqual(
    [told.code, told.reason, told.server, told.retryAfterMs, told.retryable],
    ["unavailable", "CONNECTION_LOST", "a", 5, false],
  );
  assert.equal(told.message, "it went wrong; whether the call was carried out is not known");
  for (const ending of ["timeout", "bad_gateway", "cancelled"] as const)
    assert.equal(failureFor(lost, ending, "tools/call").retryable, false, ending);
  // What changes nothing may be repeated, and so may what was certainly not carried out.
  assert.equal(failureFor(lost, "broken", "resources/read"), lost);
  for (const ending of ["unsent", "withdrawn", "rate_limited"] as const)
    assert.equal(failureFor(lost, ending, "tools/call"), lost, ending);
});
