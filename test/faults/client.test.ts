/** What clients can do wrong or on purpose: they get what is theirs, no more, and hold up nobody. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "../e2e/testing/manager.ts";
import { initialize, send, type Wire } from "../e2e/testing/mcp.ts";
import { modernRequest, sendModern } from "../e2e/testing/modern.ts";
import { readJournal } from "./testing/fake.ts";
import type { FaultClient } from "./testing/ledger.ts";
import { holdingsOf, peakRssOf } from "./testing/machine.ts";
import { Scenario } from "./testing/scenario.ts";

const megabyte = 1_048_576;
const addressMax = 20;

let scenario: Scenario;
let legacy: FaultClient;
let modern: FaultClient;

before(async () => {
  const servers = {
    pipe: {},
    "far-legacy": { over: "http" },
    "far-modern": { over: "http", era: "modern" },
  } as const;
  const timeouts = { headers: "500ms", request: "1s", stalled: "1s" };
  const settings = { gateway: { timeouts, connectionsPerAddress: addressMax } };
  scenario = await Scenario.start({ servers, settings, callTimeoutMs: 10_000, slack: { rssBytes: 268_435_456 } });
  legacy = await scenario.client("old", "legacy");
  modern = await scenario.client("new", "modern");
});
afterEach(async () => {
  for (const client of [legacy, modern]) assert.match(await client.text("pipe", "echo"), /call-/);
  scenario.checkCalls();
});
after(() => scenario.finish());

const echo = { name: "pipe__echo", arguments: {} };

/** A connection to the manager, what came on it, and its end. */
interface Raw {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: Promise<void>;
}

function raw(first = "", localAddress = "127.0.0.1"): Raw {
  const { hostname, port } = new URL(scenario.manager.url);
  const socket = connect({ port: Number(port), host: hostname, localAddress }).on("error", () => undefined);
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  if (first !== "") socket.write(first);
  return { socket, text: () => text, closed };
}

/** The head of a modern request, its body's length not included. */
function headOf(params: Readonly<Record<string, unknown>>, meta: object = {}): { head: string; body: string } {
  const { message, headers } = modernRequest("tools/call", params, { meta });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const own = `Host: localhost\r\nAuthorization: Bearer ${scenario.manager.key}\r\nContent-Type: application/json\r\n`;
  const accept = "Accept: application/json, text/event-stream\r\n";
  return { head: `POST /mcp HTTP/1.1\r\n${own}${accept}${lines.join("")}`, body: JSON.stringify(message) };
}

test("L1 heads and bodies that come a byte at a time, or never, are closed in their time, and others do not wait", async () => {
  const { head, body } = headOf(echo);
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

test("L1 an address has so many connections and no more, and others do not notice", async () => {
  const { head, body } = headOf(echo);
  const whole = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const elsewhere = "127.0.0.2";
  const idle = Array.from({ length: addressMax }, () => raw(whole, elsewhere));
  await until("all are served, and idle", async () => idle.every(({ text }) => text().startsWith("HTTP/1.1 200 ")));
  const further = raw(whole, elsewhere);
  await further.closed;
  assert.equal(further.text(), "");
  assert.match(await modern.text("pipe", "echo"), /call-/);
  idle[0]?.socket.destroy();
  await until("there is room again", async () => {
    const next = raw(whole, elsewhere);
    await Promise.race([next.closed, once(next.socket, "data")]);
    next.socket.destroy();
    return next.text().startsWith("HTTP/1.1 200");
  });
  for (const { socket } of idle) socket.destroy();
});

const connections = async (): Promise<number> => (await scenario.metrics()).get("mcp_manager_client_connections") ?? 0;

for (const [server, fault, meta] of [
  ["far-modern", "long", {}],
  ["far-legacy", "long", {}],
  ["far-modern", "events", { "io.modelcontextprotocol/logLevel": "info" }],
] as const) {
  test(`L2 clients that do not read what ${server} sends (${fault}) are let go, their calls cancelled, and memory stays where it was`, async () => {
    const atFirst = { rssBytes: holdingsOf(scenario.manager.pid).rssBytes, connections: await connections() };
    const name = `${server}__fault`;
    const calls = Array.from({ length: 5 }, (_, at) => `unread-${server}-${fault}-${at}`);
    const readers = calls.map((call) => {
      const { head, body } = headOf({ name, arguments: { do: fault, bytes: 60 * megabyte, call } }, meta);
      const reader = raw(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      reader.socket.pause();
      return reader;
    });
    await until("they are there", async () => (await connections()) >= atFirst.connections + readers.length);
    await until("they are let go", async () => (await connections()) <= atFirst.connections);
    assert.ok(peakRssOf(scenario.manager.pid) - atFirst.rssBytes < 100 * megabyte);
    for (const { socket } of readers) socket.resume();
    await Promise.all(readers.map(({ closed }) => closed));
    for (const { text } of readers) {
      assert.match(text(), /^HTTP\/1.1 200 /);
      // What the system's own buffers took, and the manager's megabyte.
      assert.ok(text().length < 30 * megabyte, `${text().length} bytes were sent`);
    }
    await until("the server has heard", async () => {
      const heard = readJournal(scenario).filter(({ method }) => method === "closed");
      return calls.every((call) => heard.some((entry) => entry.call === call));
    });
    await isFree(server);
  });
}

/** Resolves when no call of the server is under way. */
async function isFree(server: string): Promise<void> {
  await until("its place is free", async () => {
    return ((await scenario.manager.client.servers.get(server)).status.load?.inFlight ?? 0) === 0;
  });
}

/** What a server of each kind hears of a call that is cancelled. */
const cancellations = {
  pipe: "notifications/cancelled",
  "far-legacy": "notifications/cancelled",
  "far-modern": "closed",
} as const;
/** The second that it may take, and what a busy machine with two processors adds to it; the calls have ten. */
const cancelledMsMax = 1_000 + 4_000;

for (const server of ["pipe", "far-legacy", "far-modern"] as const) {
  const heard = (): number =>
    readJournal(scenario).filter((entry) => entry.server === server && entry.method === cancellations[server]).length;

  test(`L3 a modern client that goes away in mid-call has it cancelled at ${server}, and its place is free`, async () => {
    const [executed, cancelled] = [scenario.executedCalls(server), heard()];
    const gone = new AbortController();
    const call = modern.call(server, "fault", { do: "hang" }, { signal: gone.signal });
    await until("it is being executed", async () => scenario.executedCalls(server) > executed);
    assert.equal(heard(), cancelled);
    const goneMs = performance.now();
    gone.abort();
    assert.equal((await call).kind, "cancelled");
    await until("the server has heard", async () => heard() === cancelled + 1);
    assert.ok(performance.now() - goneMs < cancelledMsMax);
    await isFree(server);
  });

  test(`L3 a legacy client that cancels its call has it cancelled at ${server}, and its place is free`, async () => {
    const [executed, cancelled] = [scenario.executedCalls(server), heard()];
    const session = await initialize(scenario.manager);
    const params = { name: `${server}__fault`, arguments: { do: "hang", call: `given-up-${server}` } };
    const call = send(scenario.manager, { jsonrpc: "2.0", id: 77, method: "tools/call", params }, { session });
    await until("it is being executed", async () => scenario.executedCalls(server) > executed);
    const cancelledMs = performance.now();
    const word = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 77, reason: "enough" } };
    assert.equal((await send(scenario.manager, word, { session })).status, 202);
    await until("the server has heard", async () => heard() === cancelled + 1);
    assert.ok(performance.now() - cancelledMs < cancelledMsMax);
    await isFree(server);
    assert.ok(!(await call).text.includes('"result"'));
  });
}

test("L4 a request that is too long or packed is refused, and nothing of it is unpacked", async () => {
  const atFirst = holdingsOf(scenario.manager.pid).rssBytes;
  const large = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping", params: { a: "x".repeat(5 * megabyte) } });
  assert.equal((await send(scenario.manager, large)).status, 413);
  const { head } = headOf(echo);
  const endless = raw(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `100000\r\n${"x".repeat(megabyte)}\r\n`;
  for (let at = 0; at < 5; at += 1) endless.socket.write(chunk);
  await until("it is refused without an end", async () => endless.text().startsWith("HTTP/1.1 413 "));
  endless.socket.destroy();
  const bomb = gzipSync(Buffer.alloc(256 * megabyte, 0x20));
  assert.ok(bomb.length < megabyte);
  const packed = raw(`${head}Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\nConnection: close\r\n\r\n`);
  packed.socket.write(bomb);
  await packed.closed;
  assert.match(packed.text(), /^HTTP\/1\.1 4\d\d /);
  const wide = raw(`${head}X-Wide: ${"x".repeat(megabyte)}\r\n\r\n`);
  await wide.closed;
  assert.match(wide.text(), /^(?:HTTP\/1\.1 431 .*)?$/s);
  assert.ok(peakRssOf(scenario.manager.pid) - atFirst < 100 * megabyte);
});

test("L4 requests one after the other on a connection are answered each, in their order", async () => {
  const ids = [1, 2, 3, 4, 5];
  const { head, body } = headOf(echo);
  const requests = ids.map((id) => {
    const own = body.replace('"id":1,', `"id":${id},`);
    return `${id === ids.length ? head.replace("\r\n", "\r\nConnection: close\r\n") : head}Content-Length: ${own.length}\r\n\r\n${own}`;
  });
  const pipelined = raw(requests.join(""));
  await pipelined.closed;
  assert.deepEqual(
    pipelined.text().match(/HTTP\/1\.1 \d+/g),
    ids.map(() => "HTTP/1.1 200"),
  );
  assert.deepEqual(
    [...pipelined.text().matchAll(/"id":(\d)/g)].map(([, id]) => Number(id)),
    ids,
  );
});

/** Heads that say in two ways where the body ends, with a body that would be the end for one reading and a request for the other. */
const ambiguous: Readonly<Record<string, string>> = {
  "a length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
  "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
  "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n",
  "two lengths in one line": "Content-Length: 5, 6\r\n",
  "a length with a sign": "Content-Length: +5\r\n",
  "chunks, and then something": "Transfer-Encoding: chunked, identity\r\n",
  "chunks of another spelling": "Transfer-Encoding: xchunked\r\n",
  "a space before the colon": "Transfer-Encoding : chunked\r\n",
  "a line that goes on": "X-Folded: a\r\n Transfer-Encoding: chunked\r\n",
};

for (const [what, lines] of Object.entries(ambiguous)) {
  test(`L4 a request with ${what} is refused, and what hides in it is not executed`, async () => {
    const executed = scenario.executedCalls("pipe");
    const { head, body } = headOf(echo);
    const hidden = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    const smuggled = raw(`${head}${lines}\r\n0\r\n\r\n${hidden}`);
    await smuggled.closed;
    assert.match(smuggled.text(), /^HTTP\/1\.1 (?:400|411|501) /);
    assert.equal(smuggled.text().match(/HTTP\/1\.1 /g)?.length, 1, smuggled.text());
    assert.equal(scenario.executedCalls("pipe"), executed);
  });
}

test("L4 headers that say something else than the body are -32020", async () => {
  for (const headers of [{ "mcp-method": "tools/list" }, { "mcp-name": "far-legacy__echo" }]) {
    const { status, text } = await sendModern(scenario.manager, "tools/call", echo, { headers });
    assert.equal(status, 400);
    assert.match(text, /-32020/);
  }
});

test("L5 a session that is made up, changed or another's is none, and who tried is in the audit", async () => {
  const [alice, mallory] = [await keyOf("alice"), await keyOf("mallory")];
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
  await audited("mallory", "the session is another principal's");
});

test("L5 a requestState that is made up, changed, another's or for something else is refused, and reaches no server", async () => {
  const [bob, eve] = [await keyOf("bob"), await keyOf("eve")];
  const params = { name: "pipe__fault", arguments: { do: "ask" } };
  const capabilities = { sampling: {} };
  const ask = (more: object, key: string): Promise<Wire> =>
    sendModern(scenario.manager, "tools/call", { ...params, ...more }, { key, capabilities });
  const asked = (await ask({}, bob)).json().result;
  assert.equal(asked?.["resultType"], "input_required");
  const requestState = String(asked["requestState"]);
  const [question = ""] = Object.keys(asked["inputRequests"] as object);
  const answer = { role: "assistant", content: { type: "text", text: "yes" }, model: "none" };
  const inputResponses = { [question]: answer };
  const executed = scenario.executedCalls("pipe");
  const changed = requestState.slice(0, 20) + (requestState[20] === "A" ? "B" : "A") + requestState.slice(21);
  for (const [more, key] of [
    [{ requestState: "made-up" }, bob],
    [{ requestState: changed }, bob],
    [{ requestState }, eve],
    [{ requestState, name: "pipe__echo" }, bob],
    [{ requestState, name: "far-modern__echo" }, bob],
  ] as const) {
    const { text } = await ask({ ...more, inputResponses }, key);
    assert.match(text, /-32602/);
  }
  assert.equal(scenario.executedCalls("pipe"), executed);
  await audited("eve", "the requestState is another principal's");
  assert.match((await ask({ requestState, inputResponses }, bob)).text, /answered/);
  assert.match((await ask({ requestState, inputResponses }, bob)).text, /-32602/, "a second time");
});

async function keyOf(name: string): Promise<string> {
  return (await scenario.manager.client.apiKeys.create({ metadata: { name }, spec: { roles: ["caller"] } })).key;
}

/** Resolves when the audit says that this principal was refused for this. */
async function audited(who: string, reason: string): Promise<void> {
  await until("it is in the audit", async () => {
    const audit = await readFile(join(scenario.dataDir, "audit", "audit.jsonl"), "utf8");
    return audit
      .split("\n")
      .some((line) => line.includes(who) && line.includes('"denied"') && line.includes(JSON.stringify(reason)));
  });
}
