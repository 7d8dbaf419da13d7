/** Clients that want too much at a time, or take too long: what each is told, and that nobody else notices. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { until } from "../../transport/testing/calls.ts";
import { TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

test("beyond so many sessions at a time initialize is 503 with a time to come back that differs, and calls go on", async () => {
  await using gateway = await TestGateway.open({
    clock: new ManualClock(),
    limits: { sessionsPerSecond: 10, sessionsBurst: 50 },
  });
  const weather = gateway.serve("weather", { script: { "tools/call": (call) => call.result({ content: [] }) } });
  const known = new Peer(gateway.url);
  await known.initialize();
  const herd = Array.from({ length: 300 }, () => new Peer(gateway.url));
  const answers = await Promise.all(herd.map((peer) => peer.initialize()));
  assert.equal(answers.filter(({ status }) => status === 200).length, 49);
  const refused = answers.filter(({ status }) => status === 503);
  assert.equal(refused.length, 251);
  for (const { body, headers } of refused) {
    const error = body?.error;
    assert.deepEqual([error?.code, error?.data?.["code"], typeof body?.id], [503, "unavailable", "number"]);
    assert.match(headers.get("retry-after") ?? "", /^[1-5]$/);
  }
  const times = new Set(refused.map(({ body }) => body?.error?.data?.["retryAfterMs"]));
  assert.ok(times.size > 100, `${times.size} different times`);
  assert.equal((await known.legacy("tools/call", { name: "weather__forecast" })).status, 200);
  assert.equal((await new Peer(gateway.url).modern("tools/call", { name: "weather__forecast" })).status, 200);
  assert.equal(weather.calls("tools/call").length, 2);
  await gateway.time.advance(1_000);
  const again = await Promise.all(Array.from({ length: 20 }, () => new Peer(gateway.url).initialize()));
  assert.equal(again.filter(({ status }) => status === 200).length, 10);
});

test("overloaded, no session is opened and calls go on; worse, only probes and managers are served", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", { script: { "tools/call": (call) => call.result({ content: [] }) } });
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const ask = (): Promise<{ status: number }> => peer.legacy("tools/call", { name: "weather__forecast" });
  gateway.stage.replace(1);
  assert.equal((await new Peer(gateway.url).initialize()).status, 200);
  gateway.stage.replace(2);
  // Asked at the gate: a client may have to open a connection, which would be of the reserve.
  const refused = gateway.gate.refuseSession();
  assert.deepEqual([refused?.code, refused?.reason], ["unavailable", "OVERLOADED"]);
  gateway.stage.replace(3);
  const both = [await ask(), await new Peer(gateway.url).modern("server/discover")];
  assert.deepEqual(
    both.map(({ status }) => status),
    [503, 503],
  );
  gateway.stage.replace(0);
  assert.equal((await ask()).status, 200);
});

test("a manager that is being stopped opens no session, and says when to come back", async () => {
  await using gateway = await TestGateway.open();
  gateway.gate.stop();
  const { status, body, headers } = await new Peer(gateway.url).initialize();
  assert.deepEqual([status, body?.error?.data?.["code"], headers.has("retry-after")], [503, "unavailable", true]);
  assert.equal((await new Peer(gateway.url).modern("server/discover")).status, 200);
});

test("a principal has so many requests and streams open; the next is 429, or 503 where the era is being found out", async () => {
  await using gateway = await TestGateway.open({ limits: { requestsPerPrincipal: 3 } });
  const weather = gateway.serve("weather");
  gateway.principal("bob", ["caller"]);
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const abort = new AbortController();
  const headers = { accept: "text/event-stream" };
  const stream = await peer.request("GET", undefined, { headers, signal: abort.signal });
  const held = ["a", "b"].map((name) => peer.legacy("tools/call", { name: `weather__${name}` }));
  await weather.until(() => weather.calls("tools/call").length === 2);
  const over = await peer.legacy("ping");
  assert.deepEqual([over.status, over.body?.error?.data?.["code"]], [429, "resource_exhausted"]);
  assert.match(over.headers.get("retry-after") ?? "", /^[1-5]$/);
  for (const answer of [
    await new Peer(gateway.url).initialize(),
    await new Peer(gateway.url).modern("server/discover"),
  ])
    assert.deepEqual([answer.status, answer.body?.error?.data?.["code"]], [503, "unavailable"]);
  assert.equal((await new Peer(gateway.url).modern("tools/list")).status, 429);
  assert.equal((await new Peer(gateway.url, { who: "bob" }).modern("server/discover")).status, 200);
  // What ends makes room, however it ends.
  abort.abort();
  await stream.text().catch(() => undefined);
  const { principal } = gateway.sessions.all()[Symbol.iterator]().next().value ?? {};
  assert.ok(principal !== undefined);
  await until("the stream is gone", () => gateway.gate.loadOf(principal).open === 2);
  assert.equal((await peer.legacy("ping")).status, 200);
  for (const call of weather.calls("tools/call")) call.result({ content: [] });
  await Promise.all(held);
  await until("all has ended", () => gateway.gate.loadOf(principal).open === 0);
});

// --- those who take too long

const head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ada\r\n";

interface Slow {
  readonly socket: Socket;
  text: string;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>;
}

function slow(gateway: TestGateway, isReading = true): Slow {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1").on("error", () => undefined);
  const client = { socket, text: "", closed: new Promise<void>((resolve) => void socket.on("close", () => resolve())) };
  if (isReading) socket.on("data", (chunk: Buffer) => (client.text += chunk.toString()));
  return client;
}

/** Writes a text a byte at a time, for as long as somebody takes it. */
function trickle({ socket }: Slow, text: string): void {
  let at = 0;
  const timer = setInterval(() => (at < text.length ? socket.write(text.charAt(at++)) : clearInterval(timer)), 20);
  socket.on("close", () => clearInterval(timer));
}

test("who sends a head or a body a byte at a time, or nothing at all, is closed in its time, and others are served", async () => {
  await using gateway = await TestGateway.open({ timeouts: { headersMs: 300, requestMs: 700 } });
  const crowd = Array.from({ length: 60 }, () => slow(gateway));
  for (const [i, client] of crowd.entries()) {
    if (i % 3 === 0) trickle(client, head + "x-filler: y\r\n".repeat(1_000));
    if (i % 3 === 1)
      client.socket.write(`${head}Content-Length: 100000\r\n\r\n`, () => trickle(client, "{".repeat(9_999)));
  }
  const open = new Set(crowd);
  for (const client of crowd) void client.closed.then(() => open.delete(client));
  for (let served = 0; open.size > 0; served++) {
    assert.equal((await new Peer(gateway.url).modern("server/discover")).status, 200, `after ${served}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const { text } of crowd) assert.match(text, /^HTTP\/1\.1 408 /);
});

test("a connection without a request is closed after its time", async () => {
  await using gateway = await TestGateway.open({ timeouts: { idleMs: 100 } });
  const client = slow(gateway);
  client.socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await client.closed;
  assert.match(client.text, /^HTTP\/1\.1 200 /);
});

test("a client that takes nothing of a long answer is let go, and one that waits for its answer is not", async () => {
  await using gateway = await TestGateway.open({ timeouts: { stalledMs: 300 } });
  const weather = gateway.serve("weather");
  const waiting = new Peer(gateway.url).modern("tools/call", { name: "weather__waits" });
  const patient = await weather.call("tools/call");
  const body = JSON.stringify({
    ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
    params: {
      name: "weather__long",
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  });
  const deaf = slow(gateway, false);
  deaf.socket.pause();
  deaf.socket.write(
    `${head}Accept: application/json\r\nMcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: weather__long\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await weather.until(() => weather.calls("tools/call").length === 2);
  weather.calls("tools/call")[1]?.result({ content: [{ type: "text", text: "x".repeat(32 * 1024 * 1024) }] });
  const principal = gateway.principal("ada", ["admin"]);
  // It takes nothing: only the manager can end it.
  await until("the deaf client is let go", () => gateway.gate.loadOf(principal).open === 1);
  patient.result({ content: [] });
  assert.equal((await waiting).status, 200);
  deaf.socket.destroy();
});

test("a client that does not read its session's stream is let go before much waits for it, and may come back", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const deaf = slow(gateway, false);
  deaf.socket.pause();
  deaf.socket.write(
    `GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ada\r\nAccept: text/event-stream\r\nMcp-Session-Id: ${peer.sessionId}\r\n\r\n`,
  );
  const [session] = gateway.sessions.all();
  await until("it listens", () => session?.streams.isOpen === true);
  const note = Buffer.from(
    `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${"x".repeat(65_536)}"}}`,
  );
  let pushed = 0;
  await until("it is let go", () => {
    session?.streams.push(note);
    return ++pushed > 0 && session?.streams.isOpen === false;
  });
  // What the sockets took, and the one megabyte.
  assert.ok(pushed * note.length < 16 * 1024 * 1024, `${pushed} messages`);
  deaf.socket.destroy();
  const back = await peer.request("GET", undefined, { headers: { accept: "text/event-stream" } });
  assert.equal(back.status, 200);
  await back.body?.cancel();
});
