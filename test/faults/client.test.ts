/** What clients can do wrong or on purpose: they get what is theirs, no more, and hold up nobody. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "../e2e/testing/manager.ts";
import { initialize, send } from "../e2e/testing/mcp.ts";
import { modernRequest, sendModern } from "../e2e/testing/modern.ts";
import { readJournal } from "./testing/fake.ts";
import type { FaultClient } from "./testing/ledger.ts";
import { holdingsOf } from "./testing/machine.ts";
import { Scenario } from "./testing/scenario.ts";

const megabyte = 1_048_576;

let scenario: Scenario;
let legacy: FaultClient;
let modern: FaultClient;

before(async () => {
  const servers = {
    pipe: {},
    "far-legacy": { over: "http" },
    "far-modern": { over: "http", era: "modern" },
  } as const;
  const settings = { gateway: { timeouts: { headers: "500ms", request: "1s", stalled: "1s" } } };
  scenario = await Scenario.start({ servers, settings, callTimeoutMs: 10_000, slack: { rssBytes: 268_435_456 } });
  legacy = await scenario.client("old", "legacy");
  modern = await scenario.client("new", "modern");
});
afterEach(async () => {
  for (const client of [legacy, modern]) assert.match(await client.text("pipe", "echo"), /call-/);
  scenario.checkCalls();
});
after(() => scenario.finish());

/** A connection to the manager, what came on it, and its end. */
interface Raw {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: Promise<void>;
}

function raw(first = ""): Raw {
  const { hostname, port } = new URL(scenario.manager.url);
  const socket = connect(Number(port), hostname).on("error", () => undefined);
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  if (first !== "") socket.write(first);
  return { socket, text: () => text, closed };
}

/** The head of a modern request, its body's length not included. */
function headOf(method: string, params: Readonly<Record<string, unknown>>): { head: string; body: string } {
  const { message, headers } = modernRequest(method, params);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const own = `Host: localhost\r\nAuthorization: Bearer ${scenario.manager.key}\r\nContent-Type: application/json\r\n`;
  const accept = "Accept: application/json, text/event-stream\r\n";
  return { head: `POST /mcp HTTP/1.1\r\n${own}${accept}${lines.join("")}`, body: JSON.stringify(message) };
}

test("L1 heads and bodies that come a byte at a time, or never, are closed in their time, and others do not wait", async () => {
  const { head, body } = headOf("tools/call", { name: "pipe__echo", arguments: {} });
  const silent = Array.from({ length: 200 }, () => raw());
  const slowHeads = Array.from({ length: 50 }, () => raw("POST /mcp HTTP/1.1\r\nHost: loc"));
  const slowBodies = Array.from({ length: 50 }, () => raw(`${head}Content-Length: ${body.length}\r\n\r\n${body[0]}`));
  const slow = [...silent, ...slowHeads, ...slowBodies];
  let open = slow.length;
  for (const { closed } of slow) void closed.then(() => (open -= 1));
  const waits: number[] = [];
  await until("all are closed", async () => {
    for (const { socket } of [...slowHeads, ...slowBodies]) if (!socket.destroyed) socket.write("a");
    const startMs = performance.now();
    assert.match(await modern.text("pipe", "echo"), /call-/);
    waits.push(performance.now() - startMs);
    return open === 0;
  });
  assert.ok(Math.max(...waits) < 2_000, `somebody waited for ${Math.max(...waits)} ms`);
});

test("L2 clients that do not read their long answers are let go, their calls cancelled, and memory stays where it was", async () => {
  const connections = async (): Promise<number> =>
    (await scenario.metrics()).get("mcp_manager_client_connections") ?? 0;
  const before = { rssBytes: holdingsOf(scenario.manager.pid).rssBytes, connections: await connections() };
  const args = { do: "long", bytes: 60 * megabyte };
  const { head, body } = headOf("tools/call", { name: "far-modern__fault", arguments: args });
  const readers = Array.from({ length: 5 }, () => {
    const reader = raw(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    reader.socket.pause();
    return reader;
  });
  await until("they are there", async () => (await connections()) >= before.connections + readers.length);
  await until("they are let go", async () => (await connections()) <= before.connections);
  assert.ok(holdingsOf(scenario.manager.pid).rssBytes - before.rssBytes < 100 * megabyte);
  for (const { socket } of readers) socket.resume();
  await Promise.all(readers.map(({ closed }) => closed));
  for (const { text } of readers) assert.ok(text().length < 60 * megabyte);
  const { load } = (await scenario.manager.client.servers.get("far-modern")).status;
  assert.equal(load?.inFlight ?? 0, 0);
});

for (const server of ["pipe", "far-legacy", "far-modern"]) {
  test(`L3 a modern client that goes away in mid-call has it cancelled at ${server}, and its place is free`, async () => {
    const executed = scenario.executedCalls(server);
    const gone = new AbortController();
    const call = modern.call(server, "fault", { do: "hang" }, { signal: gone.signal });
    await until("it is being executed", async () => scenario.executedCalls(server) > executed);
    gone.abort();
    assert.equal((await call).kind, "cancelled");
    await until("the server has heard", async () =>
      readJournal(scenario).some(({ server: at, method }) => at === server && /cancelled|closed/.test(method)),
    );
    await until("its place is free", async () => {
      return ((await scenario.manager.client.servers.get(server)).status.load?.inFlight ?? 0) === 0;
    });
  });
}

test("L4 a request that is too long, packed, or ambiguous is refused, and the connection is not understood in two ways", async () => {
  const large = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping", params: { a: "x".repeat(5 * megabyte) } });
  assert.equal((await send(scenario.manager, large)).status, 413);
  const { head, body } = headOf("tools/call", { name: "pipe__echo", arguments: {} });
  const packed = gzipSync(body);
  const unpacked = raw(
    `${head}Content-Encoding: gzip\r\nContent-Length: ${packed.length}\r\nConnection: close\r\n\r\n`,
  );
  unpacked.socket.end(packed);
  await unpacked.closed;
  assert.match(unpacked.text(), /^HTTP\/1\.1 4\d\d /);
  const executed = scenario.executedCalls("pipe");
  const hidden = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const smuggled = raw(`${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`);
  await smuggled.closed;
  assert.deepEqual(smuggled.text().match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 400"]);
  assert.equal(scenario.executedCalls("pipe"), executed);
  const two = raw(
    `${hidden}${hidden.replace("POST /mcp HTTP/1.1\r\n", "POST /mcp HTTP/1.1\r\nConnection: close\r\n")}`,
  );
  await two.closed;
  assert.deepEqual(two.text().match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 200"]);
});

test("L4 headers that say something else than the body are -32020", async () => {
  const params = { name: "pipe__echo", arguments: {} };
  for (const headers of [{ "mcp-method": "tools/list" }, { "mcp-name": "far-legacy__echo" }]) {
    const { status, text } = await sendModern(scenario.manager, "tools/call", params, { headers });
    assert.equal(status, 400);
    assert.match(text, /-32020/);
  }
});

test("L5 a session that is made up, changed or another's is none, and who tried is in the audit", async () => {
  const create = async (name: string): Promise<string> =>
    (await scenario.manager.client.apiKeys.create({ metadata: { name }, spec: { roles: ["caller"] } })).key;
  const [alice, mallory] = [await create("alice"), await create("mallory")];
  const session = await initialize(scenario.manager, { key: alice });
  const forged = session.slice(0, 20) + (session[20] === "A" ? "B" : "A") + session.slice(21);
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "pipe__echo", arguments: {} } };
  const executed = scenario.executedCalls("pipe");
  for (const [id, key] of [
    [session, mallory],
    [forged, alice],
    ["made-up", alice],
  ] as const) {
    assert.equal((await send(scenario.manager, call, { session: id, key })).status, 404);
  }
  assert.equal(scenario.executedCalls("pipe"), executed);
  assert.equal((await send(scenario.manager, call, { session, key: alice })).status, 200);
  await until("it is in the audit", async () => {
    const audit = await readFile(join(scenario.dataDir, "audit", "audit.jsonl"), "utf8");
    return audit.split("\n").some((line) => line.includes("mallory") && line.includes('"denied"'));
  });
});

test("L5 a requestState that was sealed for another, or for something else, is refused and reaches no server", async () => {
  const executed = scenario.executedCalls("far-modern");
  const params = { name: "far-modern__echo", arguments: {}, requestState: "made-up", inputResponses: {} };
  const { text } = await sendModern(scenario.manager, "tools/call", params);
  assert.match(text, /-32602/);
  assert.equal(scenario.executedCalls("far-modern"), executed);
});
