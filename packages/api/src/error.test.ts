/** Pins: the words and numbers that clients rely on, as literals, so that a change of them is seen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError, errorCodes } from "./error.ts";
import { fromProblem, toProblem } from "./problem.ts";

test("every code keeps its HTTP status, gRPC status, exit status and retryability", () => {
  const rows = Object.entries(errorCodes).map(([code, row]) => [code, row.http, row.grpc, row.exit, row.retryable]);
  assert.deepEqual(rows, [
    ["invalid_argument", 400, 3, 2, false],
    ["unauthenticated", 401, 16, 1, false],
    ["permission_denied", 403, 7, 1, false],
    ["not_found", 404, 5, 1, false],
    ["already_exists", 409, 6, 1, false],
    ["conflict", 409, 10, 1, false],
    ["failed_precondition", 409, 9, 1, false],
    ["resource_exhausted", 429, 8, 1, true],
    ["cancelled", 499, 1, 1, false],
    ["internal", 500, 13, 1, false],
    ["protocol_error", 502, 13, 1, false],
    ["unavailable", 503, 14, 1, true],
    ["circuit_open", 503, 14, 1, true],
    ["deadline_exceeded", 504, 4, 1, true],
  ]);
});

test("a problem document has exactly the members that clients rely on", () => {
  const error = new ManagerError("invalid_argument", "server w: 1 field is wrong", {
    reason: "INVALID_FIELDS",
    fields: [{ path: "spec.replicas", given: "-1", expected: "a whole number" }],
  });
  assert.deepEqual(toProblem(error, { instance: "/api/v1/servers/w" }), {
    type: "urn:mcp-manager:error:invalid_argument",
    title: "invalid argument",
    status: 400,
    detail: "server w: 1 field is wrong",
    code: "invalid_argument",
    reason: "INVALID_FIELDS",
    instance: "/api/v1/servers/w",
    errors: [{ path: "spec.replicas", given: "-1", expected: "a whole number" }],
  });
});

test("a problem says whether a retry may succeed only where its code says otherwise, and the error keeps it", () => {
  const usual = new ManagerError("unavailable", "no replica", { retryAfterMs: 1_000 });
  assert.equal(toProblem(usual).retryable, undefined);
  assert.equal(fromProblem(503, toProblem(usual)).retryable, true);
  const unknown = new ManagerError("unavailable", "it broke off", { retryAfterMs: 1_000, retryable: false });
  const back = fromProblem(503, toProblem(unknown));
  assert.deepEqual([toProblem(unknown).retryable, back.retryable, back.retryAfterMs], [false, false, 1_000]);
});

test("when to come again is taken from the header where the body does not say it", () => {
  const problem = toProblem(new ManagerError("unavailable", "no replica", { retryAfterMs: 300 }));
  assert.equal(fromProblem(503, problem, 1_000).retryAfterMs, 300);
  assert.equal(fromProblem(503, "<html>", 1_000).retryAfterMs, 1_000);
});

test("an error survives the way through a problem document", () => {
  const error = new ManagerError("unavailable", "server w has no ready replica", {
    reason: "NO_READY_REPLICA",
    retryAfterMs: 500,
    server: "w",
    details: { current: { a: 1 } },
  });
  const back = fromProblem(503, JSON.parse(JSON.stringify(toProblem(error))));
  const facts = ({ code, reason, message, retryAfterMs, server, details }: ManagerError): unknown[] => [
    code,
    reason,
    message,
    retryAfterMs,
    server,
    details,
  ];
  assert.deepEqual(facts(back), facts(error));
});

test("an unexpected failure keeps its message to itself", () => {
  assert.doesNotMatch(toProblem(ManagerError.from(new Error("password=hunter2"))).detail, /hunter2/);
});

test("an answer that is no problem document is named by its status", () => {
  assert.deepEqual(
    [fromProblem(404, "<html>").code, fromProblem(502, null).code, fromProblem(418, {}).code],
    ["not_found", "protocol_error", "protocol_error"],
  );
});
