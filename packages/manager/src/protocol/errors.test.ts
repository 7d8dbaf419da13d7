import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCodes, ManagerError } from "@mcp-manager/api";
import { errorResponse, JsonRpcCode, managerErrorResponse, recognisedModernError } from "./errors.ts";
import { scanEnvelope } from "./envelope.ts";

test("an error has the request's id as it was written, and none when there was none", () => {
  assert.equal(
    errorResponse(Buffer.from('"a"'), -32600, 'say "hello"').toString(),
    '{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"message":"say \\"hello\\""}}',
  );
  assert.equal(
    errorResponse(undefined, -32700, "?", { a: 1 }).toString(),
    '{"jsonrpc":"2.0","error":{"code":-32700,"message":"?","data":{"a":1}}}',
  );
});

test("only the three codes of the modern era prove that a modern server wrote them", () => {
  const proofs = Object.values(JsonRpcCode).filter(recognisedModernError);
  assert.deepEqual(proofs, [-32020, -32021, -32022]);
  for (const code of [-32601, -32602, -32000, -32001, -32004, 404]) assert.equal(recognisedModernError(code), false);
});

test("the manager's own failures carry their HTTP status, outside of the reserved codes, and say what to do", () => {
  const error = new ManagerError("unavailable", 'server "a" is away', { server: "a", retryAfterMs: 0.2 });
  const message = JSON.parse(managerErrorResponse(Buffer.from("7"), error).toString()) as unknown;
  assert.deepEqual(message, {
    jsonrpc: "2.0",
    id: 7,
    error: {
      code: 503,
      message: 'server "a" is away',
      data: { code: "unavailable", server: "a", message: 'server "a" is away', retryable: true, retryAfterMs: 1 },
    },
  });
  for (const { http } of Object.values(errorCodes)) assert.ok(http >= 400 && http < 600);
});

test("every failure of the manager is a JSON-RPC message", () => {
  for (const id of [undefined, Buffer.from("1")]) {
    const bytes = managerErrorResponse(id, new ManagerError("internal", "broken"));
    const scan = scanEnvelope(bytes);
    assert.equal(scan.ok && scan.envelope.kind, "response");
  }
});
