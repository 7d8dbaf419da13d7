import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { type ErrorCode, errorCodes, ManagerError } from "@mcp-manager/api";
import { toRpcError } from "./errors.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.ts";

/** What a client reads of an error's details, in the order of ErrorInfo, BadRequest, RetryInfo. */
function detailsOf(error: ManagerError): readonly unknown[] {
  const { details } = toRpcError(error);
  return [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema].map((schema) => {
    const found = details.find((detail) => "desc" in detail && detail.desc === schema);
    return found === undefined ? undefined : found.value;
  });
}

describe("errors over gRPC", () => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    test(`${code} has the status of the table, and its name as the reason`, () => {
      const error = new ManagerError(code, "something happened", { reason: "FINER" });
      const { code: status, rawMessage } = toRpcError(error);
      assert.equal(status, errorCodes[code].grpc);
      assert.notEqual(Code[status], undefined);
      assert.equal(rawMessage, "something happened");
      const [info] = detailsOf(error);
      assert.deepEqual(info, { reason: code.toUpperCase(), domain: "mcp-manager", metadata: { reason: "FINER" } });
    });
  }

  test("what helps a client to go on is among the details", () => {
    const details = { current: { metadata: { revision: "42" } } };
    const options = { server: "weather", retryAfterMs: 1_250, retryable: false, details };
    const [info, request, retry] = detailsOf(new ManagerError("unavailable", "away", options));
    const metadata = { server: "weather", revision: "42", retryable: "false" };
    assert.deepEqual(info, { reason: "UNAVAILABLE", domain: "mcp-manager", metadata });
    assert.equal(request, undefined);
    assert.deepEqual(retry, { retryDelay: { seconds: 1n, nanos: 250_000_000 } });
  });

  test("our own failure keeps its message to itself", () => {
    assert.equal(toRpcError(new ManagerError("internal", "secret")).rawMessage, "the manager failed; its log says why");
  });

  test("an error stays shorter than the trailers that clients take, whatever it holds", () => {
    const long = "ü".repeat(10_000);
    const fields = Array.from({ length: 100 }, () => ({ path: `?${long}`, given: long, expected: long }));
    for (const message of ["m".repeat(10_000), long]) {
      const error = toRpcError(new ManagerError("invalid_argument", message, { fields, server: long }));
      const trailers = [...setTrailerStatus(new Headers(), error)];
      assert.ok(trailers.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0) < 8_192);
      assert.match(error.rawMessage, /^(?:m+|ü+)…$/);
    }
  });
});
