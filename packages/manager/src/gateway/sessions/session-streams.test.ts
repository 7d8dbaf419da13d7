/** The stream a legacy client listens on, and every stream it can come back to: ids, replay, keep-alives, bounds. */
import assert from "node:assert/strict";
import { get, type IncomingMessage } from "node:http";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { EventReader } from "../testing/event-reader.ts";
import type { Session } from "./session.ts";
import { TestGateway } from "../testing/gateway.ts";
import { answerOf, Peer } from "../testing/peer.ts";
import type { Received, ScriptedConnection } from "../testing/scripted-connection.ts";

const events = { accept: "text/event-stream" };

/** A client that has a session, and the session. */
async function client(gateway: TestGateway, version = "2025-06-18", who = "ada"): Promise<Client> {
  const peer = new Peer(gateway.url, { who });
  await peer.initialize(version);
  const session = [...gateway.sessions.all()].find(({ id }) => id === peer.sessionId);
  assert.ok(session !== undefined);
  return new Client(peer, session);
}

class Client {
  readonly peer: Peer;
  readonly session: Session;

  constructor(peer: Peer, session: Session) {
    this.peer = peer;
    this.session = session;
  }

  get(lastEventId?: string, signal?: AbortSignal): Promise<Response> {
    const headers = { ...events, ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) };
    return this.peer.request("GET", undefined, { headers, ...(signal === undefined ? {} : { signal }) });
  }

  async listen(lastEventId?: string): Promise<EventReader> {
    const response = await this.get(lastEventId);
    assert.equal(response.status, 200, response.status === 200 ? "" : await response.text());
    return new EventReader(response);
  }

  push(n: number): void {
    this.session.streams.push(message(n));
  }

  /** Resolves when the gateway has seen that the client listens, or does no more. */
  async untilListening(isOpen: boolean): Promise<void> {
    while (this.session.streams.isOpen !== isOpen) await new Promise((resolve) => setImmediate(resolve));
  }
}

function message(n: number): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","method":"notifications/x","params":{"n":${n}}}`);
}

async function numbers(reader: EventReader, count: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let i = 0; i < count; i++) seen.push((await reader.next())?.params?.["n"]);
  return seen;
}

test("G8 GET opens the session's stream, for its own client and nobody else", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["caller"]);
  const ada = await client(gateway);
  const bob = new Peer(gateway.url, { who: "bob" });
  const session = { "mcp-session-id": ada.peer.sessionId };
  const status = async (peer: Peer, headers: Readonly<Record<string, string>>): Promise<number> => {
    const response = await peer.request("GET", undefined, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status(bob, events), 405, "without a session");
  assert.equal(await status(ada.peer, { ...events, "mcp-protocol-version": "2026-07-28" }), 405);
  assert.equal(await status(ada.peer, { ...events, "mcp-protocol-version": "1999-01-01" }), 400);
  assert.equal(await status(ada.peer, { accept: "application/json" }), 406);
  assert.equal(await status(bob, { ...events, ...session }), 404, "another principal's session");
  assert.equal(await status(new Peer(gateway.url), { ...events, "mcp-session-id": "nonsense" }), 404);
  const elsewhere = new Peer(gateway.url, { path: "/servers/weather/mcp" });
  gateway.serve("weather");
  assert.equal(await status(elsewhere, { ...events, ...session }), 404, "another endpoint");
  assert.deepEqual(
    gateway.audited.map(({ who, action, outcome, target }) => ({ who, action, outcome, target })),
    [{ who: "bob", action: "GET", outcome: "denied", target: "sessions" }],
  );
  const response = await ada.get();
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  assert.equal(response.headers.get("cache-control"), "no-store, no-transform");
  const second = await ada.get();
  assert.equal(second.status, 409);
  assert.match((await answerOf(second)).body?.error?.message ?? "", /open on another connection/);
  await response.body?.cancel();
});

test("messages wait until the client listens, and each is sent once", async () => {
  await using gateway = await TestGateway.open();
  const ada = await client(gateway);
  for (const n of [1, 2]) ada.push(n);
  const first = await ada.listen();
  ada.push(3);
  assert.deepEqual(await numbers(first, 3), [1, 2, 3]);
  await first.cancel();
  await ada.untilListening(false);
  ada.push(4);
  const second = await ada.listen();
  ada.push(5);
  assert.deepEqual(await numbers(second, 2), [4, 5]);
  await second.cancel();
});

test("beyond 200 waiting messages the oldest are dropped, and counted", async () => {
  await using gateway = await TestGateway.open();
  const ada = await client(gateway);
  for (let n = 0; n < 250; n++) ada.push(n);
  const reader = await ada.listen();
  assert.deepEqual(await numbers(reader, 2), [50, 51]);
  assert.match(gateway.metrics.text(), /^mcp_manager_stream_messages_dropped_total 50$/m);
  assert.match(gateway.metrics.text(), /^mcp_manager_streams 1$/m);
  await reader.cancel();
});

test("G9 a client that comes back to its session's stream gets what it missed, whether its loss shows yet or not", async () => {
  await using gateway = await TestGateway.open();
  const ada = await client(gateway);
  const first = await ada.listen();
  ada.push(1);
  await first.next();
  const { lastEventId } = first;
  for (const n of [2, 3]) ada.push(n);
  const second = await ada.listen(lastEventId);
  ada.push(4);
  assert.deepEqual(await numbers(second, 3), [2, 3, 4]);
  assert.deepEqual(await numbers(first, 2).catch(() => "cut"), "cut", "the first connection is ended");
  await second.cancel();
});

test("clients of 2025-11-25 get an id to come back with at once, older ones with the first message", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  for (const [i, version] of ["2025-11-25", "2025-06-18"].entries()) {
    const ada = await client(gateway, version);
    const answer = ada.peer.legacy("tools/call", { name: "weather__a" }, { id: 1, meta: { progressToken: 1 } });
    const call = await weather.call("tools/call", i + 1);
    call.notify("notifications/progress", { progress: 1 });
    call.result({});
    const [first, ...rest] = (await answer).text.split("\n\n");
    const primer = /^retry: 1000\nid: [a-z0-9]{8}-1-0\ndata: $/;
    if (i === 0) assert.match(first ?? "", primer);
    const [progress, response] = i === 0 ? rest : [first, ...rest];
    assert.match(progress ?? "", /^id: [a-z0-9]{8}-1-1\ndata: .*notifications\/progress/);
    assert.match(response ?? "", /^id: [a-z0-9]{8}-1-2\ndata: .*"result":\{\}/);
  }
});

test("plain JSON answers and modern streams have no ids", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const ada = await client(gateway, "2025-11-25");
  const plain = ada.peer.legacy("tools/call", { name: "weather__a" }, { id: 1 });
  (await weather.call("tools/call", 1)).result({});
  assert.equal((await plain).text, '{"jsonrpc":"2.0","id":1,"result":{}}');
  const modern = new Peer(gateway.url).modern("tools/call", { name: "weather__a" }, { meta: { progressToken: 1 } });
  const call = await weather.call("tools/call", 2);
  call.notify("notifications/progress", { progress: 1 });
  call.result({});
  const { text, events: before } = await modern;
  assert.equal(before.length, 1);
  assert.doesNotMatch(text, /^(?:id|retry):/m);
});

/** A tool call whose answer became a stream, of which the client has seen the first notification. */
interface Begun {
  readonly call: Received;
  readonly reader: EventReader;
}

async function begun(ada: Client, weather: ScriptedConnection, id: number): Promise<Begun> {
  const params = { name: "weather__slow", _meta: { progressToken: id } };
  const answer = ada.peer.request("POST", JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }));
  const call = await weather.call("tools/call", weather.calls("tools/call").length + 1);
  call.notify("notifications/progress", { n: 1 });
  const reader = new EventReader(await answer);
  assert.equal((await reader.next())?.params?.["n"], 1);
  return { call, reader };
}

/** Loses the connection, and gives the server the time of some requests to see it. */
async function lose(ada: Client, { reader }: Begun): Promise<void> {
  await reader.cancel();
  for (let i = 0; i < 5; i++) await ada.peer.legacy("ping");
}

test("G9 an answer whose connection was lost goes on where the client comes back, up to its response", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  for (const version of ["2025-06-18", "2025-11-25"]) {
    const ada = await client(gateway, version);
    const [one, two] = [await begun(ada, weather, 1), await begun(ada, weather, 2)];
    ada.push(100);
    await lose(ada, one);
    for (const { call } of [one, two]) call.notify("notifications/progress", { n: 2 });
    const back = await ada.listen(one.reader.lastEventId);
    assert.equal((await back.next())?.params?.["n"], 2);
    one.call.notify("notifications/progress", { n: 3 });
    one.call.result({ n: 4 });
    two.call.result({ n: 5 });
    assert.equal((await back.next())?.params?.["n"], 3);
    assert.deepEqual((await back.next())?.result, { n: 4 });
    assert.equal(await back.next(), undefined, "the response ends it");
    assert.equal((await two.reader.next())?.params?.["n"], 2);
    assert.deepEqual((await two.reader.next())?.result, { n: 5 });
  }
});

test("a client that comes back before its loss shows takes the stream over", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const ada = await client(gateway);
  const { call, reader } = await begun(ada, weather, 1);
  const back = await ada.listen(reader.lastEventId);
  call.result({ n: 2 });
  assert.deepEqual((await back.next())?.result, { n: 2 });
  await assert.rejects(async () => assert.notEqual(await reader.next(), undefined));
});

test("what was answered while nobody was there is sent to who comes back within a minute, as often as it is asked for", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather");
  const ada = await client(gateway);
  const lost = await begun(ada, weather, 1);
  await lose(ada, lost);
  lost.call.notify("notifications/progress", { n: 2 });
  lost.call.result({ n: 3 });
  for (let i = 0; i < 2; i++) {
    await gateway.time.advance(25_000);
    const { events: before, body } = await answerOf(await ada.get(lost.reader.lastEventId));
    assert.deepEqual(
      before.map(({ params }) => params?.["n"]),
      [2],
    );
    assert.deepEqual(body?.result, { n: 3 });
  }
  await gateway.time.advance(25_000);
  const late = await ada.get(lost.reader.lastEventId);
  assert.equal(late.status, 400);
  assert.match((await answerOf(late)).body?.error?.message ?? "", /no stream can be resumed/);
});

test("G9 an id of another session, of no stream, or of no event leads to nothing of anybody's", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["admin"]);
  const weather = gateway.serve("weather");
  const [ada, bob] = [await client(gateway), await client(gateway, "2025-06-18", "bob")];
  const { call, reader } = await begun(ada, weather, 1);
  const listening = await ada.listen();
  ada.push(1);
  await listening.next();
  const [life] = reader.lastEventId.split("-");
  for (const id of [reader.lastEventId, `${life}-9-1`, `${life}-1-99`, "nonsense", "1"])
    assert.equal((await bob.get(id)).status, 400, id);
  for (const id of [`${life}-9-1`, `${life}-1-99`]) assert.equal((await ada.get(id)).status, 400, id);
  // The session's own stream of another session, or of an earlier life: an ordinary one, with nothing from there.
  const own = await bob.listen(`${life}-0-0`);
  ada.push(2);
  bob.push(7);
  assert.deepEqual(await numbers(own, 1), [7]);
  assert.deepEqual(await numbers(listening, 1), [2]);
  call.result({});
  assert.deepEqual((await reader.next())?.result, {});
  for (const each of [own, listening]) await each.cancel();
});

test("a legacy caller that reads no messages loses its connection, not its call", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const ada = await client(gateway);
  const { call, reader } = await begun(ada, weather, 1);
  const { lastEventId } = reader;
  for (let i = 0; i < 300; i++) call.notify("notifications/progress", { n: i, text: "x".repeat(100_000) });
  assert.equal(call.cancelled, undefined);
  const back = await ada.listen(lastEventId);
  call.result({ done: true });
  let last = await back.next();
  while (last?.result === undefined) last = await back.next();
  assert.deepEqual(last.result, { done: true });
});

test("G8 who does not read its session's stream is cut beyond 1 MiB, and later messages wait", async () => {
  await using gateway = await TestGateway.open();
  const ada = await client(gateway);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { ...events, authorization: "Bearer ada", "mcp-session-id": ada.peer.sessionId };
    get(`${gateway.url}/mcp`, { headers }, resolve).on("error", reject);
  });
  response.pause().on("error", () => {});
  const large = Buffer.from(JSON.stringify({ jsonrpc: "2.0", method: "x", params: { text: "x".repeat(100_000) } }));
  let pushed = 0;
  while (ada.session.streams.isOpen && pushed < 1_000) {
    ada.session.streams.push(large);
    pushed++;
  }
  assert.ok(pushed < 1_000, "100 MB were kept for a client that does not read");
  ada.push(1);
  const reader = await ada.listen();
  assert.deepEqual(await numbers(reader, 1), [1]);
  await reader.cancel();
  response.destroy();
});

test("G8 idle streams get a comment every 15 s, one timer for all of them", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const clients = await Promise.all(Array.from({ length: 20 }, () => client(gateway)));
  const timers = gateway.time.pendingCount;
  const responses = await Promise.all(clients.map((each) => each.get()));
  assert.equal(gateway.time.pendingCount, timers + 1);
  await gateway.time.advance(45_000);
  for (const { session } of clients) gateway.sessions.end(session, "the test is over");
  for (const response of responses) assert.equal(await response.text(), ":\n\n".repeat(3));
  assert.equal(gateway.time.pendingCount, timers);
});

test("G9 a session with an open stream is in use: neither reaped nor put aside", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock(), sessionsMax: 2 });
  const [ada, idle] = [await client(gateway), await client(gateway)];
  const reader = await ada.listen();
  await gateway.time.advance(60_000);
  for (let i = 0; i < 5; i++) await client(gateway);
  const known = new Set([...gateway.sessions.all()]);
  assert.deepEqual([known.has(ada.session), known.has(idle.session)], [true, false]);
  await gateway.time.advance(29 * 60_000);
  await reader.cancel();
  await ada.untilListening(false);
  await gateway.time.advance(29 * 60_000);
  assert.deepEqual([...gateway.sessions.all()], [ada.session], "its idle time begins when it listens no more");
  await gateway.time.advance(2 * 60_000);
  assert.equal(gateway.sessions.count, 0);
});

test("ending a session ends its streams and forgets what was kept", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const ada = await client(gateway);
  const reader = await ada.listen();
  const lost = await begun(ada, weather, 1);
  await lose(ada, lost);
  assert.equal((await ada.peer.request("DELETE", undefined)).status, 204);
  assert.equal(await reader.next(), undefined);
  assert.equal(lost.call.cancelled, "the client ended the session");
  assert.equal((await ada.get(lost.reader.lastEventId)).status, 404);
  ada.push(1);
});

test("a closing listener does not wait for streams on which clients only listen", async () => {
  const gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const ada = await client(gateway);
  const reader = await ada.listen();
  const { call, reader: answer } = await begun(ada, weather, 1);
  const closed = gateway.close(new AbortController().signal);
  assert.equal(await reader.next(), undefined);
  call.result({ n: 2 });
  assert.deepEqual((await answer.next())?.result, { n: 2 });
  await closed;
  await gateway[Symbol.asyncDispose]();
});

test("while the door closes no stream is opened, but one that was lost goes on", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const ada = await client(gateway);
  const lost = await begun(ada, weather, 1);
  gateway.sessions.endStreams();
  const refused = await ada.get();
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  const back = await ada.listen(lost.reader.lastEventId);
  lost.call.result({ n: 2 });
  assert.deepEqual((await back.next())?.result, { n: 2 });
});

test("two thousand sessions listen at once, each to its own messages", async () => {
  const count = 2_000;
  await using gateway = await TestGateway.open({ sessionsMax: count, connectionsMax: count + 100 });
  const open = async (): Promise<{ readonly ada: Client; readonly reader: EventReader }> => {
    const ada = await client(gateway);
    return { ada, reader: await ada.listen() };
  };
  const clients = [];
  for (let i = 0; i < count; i += 50) clients.push(...(await Promise.all(Array.from({ length: 50 }, open))));
  for (const [i, { ada }] of clients.entries()) ada.push(i);
  for (const [i, { reader }] of clients.entries()) assert.deepEqual(await numbers(reader, 1), [i]);
  await Promise.all(clients.map(({ reader }) => reader.cancel()));
});
