/** Opening a server over HTTP+SSE: what its stream has to begin with, and what is said when it does not. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import type { ManagerError } from "@mcp-manager/api";
import { callTool, until } from "./testing/calls.ts";
import { result } from "./testing/peer.ts";
import { startSse } from "./testing/sse-bench.ts";
import { beginStream } from "./testing/sse-peer.ts";

function caught(promise: Promise<unknown>): Promise<ManagerError> {
  return promise.then(
    () => assert.fail("it was expected to fail"),
    (error: ManagerError) => error,
  );
}

const events = { "content-type": "text/event-stream" };

test("G9 a server is initialized, never probed, and told that it may begin before anything else", async () => {
  await using bench = await startSse();
  const connection = await bench.open();
  assert.deepEqual(
    [connection.facts.era, connection.facts.protocolVersion, connection.facts.serverInfo.name],
    ["legacy", "2025-11-25", "stand-in"],
  );
  assert.deepEqual(bench.journal, ["request initialize", "notified notifications/initialized"]);
});

test("a server of the oldest version is spoken to in that version, and told what its client can be asked", async () => {
  let opening = "";
  await using bench = await startSse({
    intercept(body, response) {
      if (!body.includes('"initialize"')) return false;
      opening = body;
      response.writeHead(202).end();
      const old = { protocolVersion: "2024-11-05", capabilities: {}, serverInfo: { name: "old", version: "1" } };
      bench.peer.streams.get("1")?.write(`data: ${result("1", JSON.stringify(old))}\n\n`);
      return true;
    },
  });
  const connection = await bench.open({ clientCapabilities: { elicitation: {} } });
  assert.equal(connection.facts.protocolVersion, "2024-11-05");
  const { params } = JSON.parse(opening) as { params: Record<string, unknown> };
  assert.deepEqual([params["protocolVersion"], params["capabilities"]], ["2025-11-25", { elicitation: {} }]);
  await callTool(connection, "echo");
  assert.equal(bench.peer.heads.at(-1)?.headers["mcp-protocol-version"], "2024-11-05");
});

const ownAddresses: Readonly<Record<string, (host: string) => string>> = {
  "relative to the stream's": () => "messages?session=1",
  "a path, with parts that lead nowhere": () => "/a%20b/../messages?session=1#part",
  whole: (host) => `http://${host}/messages?session=1`,
  "without its scheme": (host) => `//${host}/messages?session=1`,
};
for (const [what, addressAt] of Object.entries(ownAddresses)) {
  test(`the address for messages may be ${what}`, async () => {
    await using bench = await startSse({
      begin: (response) => beginStream(response, addressAt(String(response.req.headers.host))),
    });
    await bench.open();
    assert.equal(bench.peer.heads.at(-1)?.url, "/messages?session=1");
  });
}

const foreign = [
  "http://127.0.0.1:1/messages",
  "https://127.0.0.1/messages",
  "//example.com/messages",
  "data:text/plain,x",
];
for (const address of foreign) {
  test(`an address for messages at another origin is refused, and nothing is sent there: ${address}`, async () => {
    await using bench = await startSse({ begin: (response) => beginStream(response, address) });
    const error = await caught(bench.open());
    assert.equal(error.code, "protocol_error");
    assert.match(
      error.message,
      /^server "weather" gave an address for messages at .*, which is not its own origin http/,
    );
    await until("the end of the stream", () => bench.journal.includes("stream 1 closed"));
    assert.equal(bench.peer.heads.length, 1);
  });
}

const unusable: Readonly<Record<string, string>> = { "no URL": "http://[", "too long": `/${"x".repeat(9_000)}` };
for (const [what, address] of Object.entries(unusable)) {
  test(`an address for messages that is ${what} is refused`, async () => {
    await using bench = await startSse({ begin: (response) => beginStream(response, address) });
    const error = await caught(bench.open());
    assert.equal(error.message, 'server "weather" gave an address for messages that is no usable URL');
  });
}

const silences: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "no answer": () => {},
  "a stream without its first event": (response) => void response.writeHead(200, events).write(": wait\n\n"),
};
for (const [what, begin] of Object.entries(silences)) {
  test(`a server that gives ${what} is given up in time`, async () => {
    await using bench = await startSse({ begin });
    const opening = caught(bench.open());
    await until("the stream", () => bench.peer.heads.length === 1);
    await bench.clock.advance(5_000);
    const error = await opening;
    assert.deepEqual([error.code, error.reason], ["deadline_exceeded", "OPEN_FAILED"]);
    assert.match(error.message, /^server "weather" did not open: no endpoint event on its stream within 5000 ms$/);
    await until("the end of the stream", () => bench.journal.includes("stream 1 closed"));
  });
}

test("a server that does not answer initialize is given up in time", async () => {
  await using bench = await startSse({
    intercept(_body, response) {
      response.writeHead(202).end();
      return true;
    },
  });
  const opening = caught(bench.open());
  await until("initialize", () => bench.peer.heads.length === 2);
  await bench.clock.advance(5_000);
  const error = await opening;
  assert.equal(error.code, "deadline_exceeded");
  assert.equal(error.message, 'server "weather" did not open at initialize: no answer within 5000 ms');
  await until("the end of the stream", () => bench.journal.includes("stream 1 closed"));
});

interface Refused {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: string;
  readonly says: RegExp;
}
const refused: readonly Refused[] = [
  {
    status: 405,
    code: "protocol_error",
    says: /HTTP 405 with content type "none"; .*set spec.source.transport to streamable-http$/,
  },
  { status: 200, headers: { "content-type": "text/html" }, code: "protocol_error", says: /content type "text\/html"/ },
  { status: 302, headers: { location: "http://127.0.0.1:1/" }, code: "protocol_error", says: /HTTP 302/ },
  { status: 401, code: "unavailable", says: /refused the manager's credential with HTTP 401/ },
  { status: 503, headers: { "retry-after": "3" }, code: "unavailable", says: /answered HTTP 503/ },
];
for (const { status, headers, code, says } of refused) {
  test(`a stream refused with ${status} ${headers?.["content-type"] ?? ""} is told in words`, async () => {
    await using bench = await startSse({ begin: (response) => void response.writeHead(status, headers ?? {}).end() });
    const error = await caught(bench.open());
    assert.equal(error.code, code);
    assert.match(error.message, says);
  });
}

test("an initialize that is refused is told in words", async () => {
  await using bench = await startSse({
    intercept(_body, response) {
      response.writeHead(500).end();
      return true;
    },
  });
  const { message } = await caught(bench.open());
  assert.equal(message, 'server "weather" did not open at initialize: server "weather" answered HTTP 500');
  await until("the end of the stream", () => bench.journal.includes("stream 1 closed"));
});

test("a version that is not spoken here is told with the answer", async () => {
  await using bench = await startSse({
    intercept(_body, response) {
      response.writeHead(202).end();
      bench.peer.streams.get("1")?.write(`data: ${result("1", '{"protocolVersion":"2999-01-01"}')}\n\n`);
      return true;
    },
  });
  const error = await caught(bench.open());
  assert.equal(error.code, "protocol_error");
  assert.match(error.message, /did not open at initialize: it gave no valid answer but .*2999-01-01/);
});
