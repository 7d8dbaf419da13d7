/** Opening a server over HTTP: whose era is known by which answer, and what is said when none is. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import type { ManagerError } from "@mcp-manager/api";
import { callTool, until } from "./testing/calls.ts";
import { type HttpBench, startHttp } from "./testing/http-bench.ts";
import type { HttpPeerOptions } from "./testing/http-peer.ts";
import { failure, result } from "./testing/peer.ts";

/** A stand-in that answers `server/discover` as the test says, and is legacy otherwise. */
function answeringDiscover(
  answer: (response: ServerResponse, id: string, attempt: number) => boolean,
  era: HttpPeerOptions["era"] = "legacy",
): Promise<HttpBench> {
  let attempt = 0;
  return startHttp({
    era,
    intercept(_request, body, response) {
      if (!body.includes('"server/discover"')) return false;
      return answer(response, String((JSON.parse(body) as { id: number }).id), ++attempt);
    },
  });
}

function sent(response: ServerResponse, status: number, body: string, type = "application/json"): true {
  response.writeHead(status, { "content-type": type }).end(body);
  return true;
}

function caught(promise: Promise<unknown>): Promise<ManagerError> {
  return promise.then(
    () => assert.fail("it was expected to fail"),
    (error: ManagerError) => error,
  );
}

test("G6 a modern server is told by its answer, as JSON or as events, and is not initialized", async () => {
  for (const answers of ["json", "events"] as const) {
    await using bench = await startHttp({ era: "modern", answers });
    const connection = await bench.open();
    assert.equal(connection.facts.era, "modern");
    assert.deepEqual(connection.facts.serverInfo, { name: "stand-in", version: "1" });
    await callTool(connection, "echo");
    assert.deepEqual(bench.journal, ["request server/discover", "request tools/call", "call echo"]);
    const { headers } = bench.peer.heads[0] ?? {};
    assert.equal(headers?.["mcp-method"], "server/discover");
    assert.equal(headers?.["mcp-protocol-version"], "2026-07-28");
  }
});

type Answer = (response: ServerResponse, id: string) => boolean;

const legacyAnswers: Readonly<Record<string, Answer>> = {
  "-32601 under 200": (response, id) => sent(response, 200, failure(id, -32601, "no such method")),
  "-32601 under 404": (response, id) => sent(response, 404, failure(id, -32601, "no such method")),
  "any other error": (response, id) => sent(response, 400, failure(id, -32000, "Server not initialized")),
  "an empty result": (response, id) => sent(response, 200, result(id, "{}")),
  "a bare object": (response) => sent(response, 200, "{}"),
  "no version of ours": (response, id) => sent(response, 200, result(id, '{"supportedVersions":["2030-01-01"]}')),
  "-32022 that offers legacy versions": (response, id) =>
    sent(response, 400, failure(id, -32022, "version", { supported: ["2025-11-25"] })),
  "a plain 400": (response) => sent(response, 400, "Bad Request: No valid session ID", "text/plain"),
  "a plain 404": (response) => sent(response, 404, "<html>", "text/html"),
  "a plain 405": (response) => sent(response, 405, ""),
  "an event stream with the error": (response, id) =>
    sent(response, 200, `data: ${failure(id, -32601, "no")}\n\n`, "text/event-stream"),
};
for (const [what, answer] of Object.entries(legacyAnswers)) {
  test(`G6 a legacy server is told by ${what}, and initialized`, async () => {
    await using bench = await answeringDiscover(answer);
    const connection = await bench.open();
    assert.deepEqual([connection.facts.era, connection.facts.protocolVersion], ["legacy", "2025-11-25"]);
    await until("the notification", () => bench.journal.includes("notified notifications/initialized"));
    await callTool(connection, "echo");
  });
}

for (const status of [401, 403, 429, 500, 502, 503]) {
  test(`G6 HTTP ${status} is no verdict but a failure`, async () => {
    await using bench = await answeringDiscover((response) => {
      response.setHeader("retry-after", "4");
      return sent(response, status, failure("1", -32601, "no such method"));
    });
    const error = await caught(bench.open());
    assert.deepEqual([error.code, error.server], ["unavailable", "weather"]);
    assert.equal(error.retryAfterMs, status === 401 || status === 403 ? undefined : 4_000);
    assert.match(error.message, new RegExp(`HTTP ${status}`));
    assert.deepEqual(bench.journal, []);
  });
}

test("G6 silence is no verdict but a failure", async () => {
  await using bench = await answeringDiscover(() => true);
  const opening = caught(bench.open());
  await until("the probe", () => bench.peer.heads.length === 1);
  await bench.clock.advance(5_000);
  const error = await opening;
  assert.equal(error.code, "deadline_exceeded");
  assert.equal(error.message, 'server "weather" did not open at server/discover: no answer within 5000 ms');
  assert.deepEqual(bench.journal, []);
});

test("G6 a server that cannot be reached, or breaks off, is no verdict but a failure", async () => {
  await using bench = await answeringDiscover((response) => {
    response.destroy();
    return true;
  });
  const error = await caught(bench.open());
  assert.deepEqual([error.code, error.reason, error.server], ["unavailable", "CONNECTION_LOST", "weather"]);
  await bench.peer[Symbol.asyncDispose]();
  const refused = await caught(bench.open());
  assert.match(refused.message, /^server "weather" did not open at server\/discover: cannot connect to http:/);
});

test("a server that refuses the version and offers the very same is asked again, once", async () => {
  const refusal = (response: ServerResponse, id: string): true =>
    sent(response, 400, failure(id, -32022, "version", { supported: ["2026-07-28"] }));
  await using once = await answeringDiscover(
    (response, id, attempt) => attempt === 1 && refusal(response, id),
    "modern",
  );
  assert.equal((await once.open()).facts.era, "modern");
  await using always = await answeringDiscover(refusal, "modern");
  const error = await caught(always.open());
  assert.equal(error.code, "protocol_error");
  assert.match(error.message, /server "weather" refused server\/discover with error -32022/);
  assert.equal(always.peer.heads.length, 2);
});

test("G6 another recognised modern error proves a modern server: no initialize, but a failure", async () => {
  await using bench = await answeringDiscover((response, id) => sent(response, 400, failure(id, -32020, "mismatch")));
  const error = await caught(bench.open());
  assert.match(error.message, /refused server\/discover with error -32020/);
  assert.deepEqual(bench.journal, []);
});

test("G6 a verdict found earlier saves the probe", async () => {
  await using bench = await startHttp({ era: "legacy" });
  await bench.open({ eraKnown: "legacy" });
  await until("the notification", () => bench.journal.includes("notified notifications/initialized"));
  assert.deepEqual(bench.journal, ["request initialize", "notified notifications/initialized"]);
});

const initializeAnswers: readonly (readonly [string, string, RegExp, (response: ServerResponse) => boolean])[] = [
  [
    "an error",
    "protocol_error",
    /refused initialize with error -32000/,
    (r) => sent(r, 200, failure("1", -32000, "x")),
  ],
  [
    "a version that is not ours",
    "protocol_error",
    /no valid answer to initialize/,
    (r) => sent(r, 200, result("1", '{"protocolVersion":"1999-01-01"}')),
  ],
  ["HTTP 500", "unavailable", /HTTP 500/, (r) => sent(r, 500, "")],
  ["HTTP 401", "unavailable", /HTTP 401; set an Authorization header/, (r) => sent(r, 401, "")],
  ["a page", "protocol_error", /no valid answer to initialize/, (r) => sent(r, 200, "<p>", "text/html")],
  [
    "too long an answer",
    "protocol_error",
    /at initialize: an answer of more than 10000 bytes/,
    (r) => sent(r, 200, result("1", `"${"x".repeat(20_000)}"`)),
  ],
];
for (const [what, code, message, answer] of initializeAnswers) {
  test(`initialize that is answered by ${what} fails the opening`, async () => {
    const options: HttpPeerOptions = {
      era: "legacy",
      intercept: (_request, body, response) => body.includes('"initialize"') && answer(response),
    };
    await using bench = await startHttp(options, 10_000);
    const error = await caught(bench.open());
    assert.deepEqual([error.code, error.server], [code, "weather"]);
    assert.match(error.message, message);
  });
}
