/** The stream that a legacy server may write to while it serves no request: whose its messages are, and how long it is held. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import type { Connection } from "./connection.ts";
import { AskedSink, callTool, start, startWith, until } from "./testing/calls.ts";
import { type HttpBench, startHttp } from "./testing/http-bench.ts";
import { events, type HttpPeerOptions } from "./testing/http-peer.ts";
import { result } from "./testing/peer.ts";

interface StreamUnderTest extends HttpBench {
  readonly connection: Connection;
  /** The streams that were asked for and given, in order. */
  readonly streams: readonly ServerResponse[];
  /** Writes one event on the newest of them. */
  write(message: string): void;
  /** Waits until the server has been asked for a stream so many times, and has given it. */
  given(count: number): Promise<void>;
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const give: Answer = (response) => response.writeHead(200, events).flushHeaders();

async function open(answer: Answer = give, options: Partial<HttpPeerOptions> = {}): Promise<StreamUnderTest> {
  const streams: ServerResponse[] = [];
  const bench = await startHttp({
    era: "legacy",
    sessions: true,
    onGet(request, response) {
      streams.push(response);
      answer(response, request);
    },
    ...options,
  });
  const given = (count: number): Promise<void> => until(`stream ${count}`, () => streams.length >= count);
  const connection = await bench.open();
  await given(1);
  return {
    ...bench,
    connection,
    streams,
    write: (message) => void streams.at(-1)?.write(`data: ${message}\n\n`),
    given,
  };
}

const changed = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';

test("it is asked for once the session is open, and what belongs to no call reaches the listener", async () => {
  await using sut = await open();
  const { method, url, headers } = sut.peer.gets[0] ?? {};
  assert.deepEqual(
    { method, url, ...headers },
    {
      method: "GET",
      url: "/mcp?x=1",
      host: headers?.host,
      "x-team": "a",
      accept: "text/event-stream",
      "mcp-protocol-version": "2025-11-25",
      "mcp-session-id": "session-1",
    },
  );
  assert.ok(sut.journal.includes("notified notifications/initialized"));
  sut.write(changed);
  await until("the notification", () => sut.events.notifications.length === 1);
  assert.deepEqual([sut.connection.inFlight, sut.peer.gets.length], [0, 1]);
});

test("the connection is open only when the server can ask on it, so that the first call's questions are heard", async () => {
  await using sut = await open((response) => {
    // Later than the answer to any request of the opening.
    setTimeout(() => give(response, {} as IncomingMessage), 50);
  });
  assert.equal(sut.streams[0]?.headersSent, true);
});

test("a server that holds the head of its stream back keeps the opening for a second", async () => {
  let asked = 0;
  await using bench = await startHttp({ era: "legacy", sessions: true, onGet: () => void asked++ });
  const opening = bench.open();
  await until("the stream to be asked for", () => asked === 1);
  await bench.clock.advance(1_000);
  assert.equal((await opening).closeReason, undefined);
});

test("progress finds its call by the token, log lines and questions the only call in flight", async () => {
  await using sut = await open();
  const first = startWith(new AskedSink(), sut.connection, "hold", { token: '"t"' });
  await until("the call", () => sut.journal.includes("call hold"));
  const log = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}';
  const question = '{"jsonrpc":"2.0","id":9,"method":"roots/list"}';
  const withdrawal = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}';
  const progress = (token: number): string =>
    `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1}}`;
  sut.write(log);
  sut.write(question);
  await until("the question", () => first.sink.questions.length === 1);
  const second = startWith(new AskedSink(), sut.connection, "hold");
  await until("the second call", () => sut.journal.filter((line) => line === "call hold").length === 2);
  for (const message of [withdrawal, log, question, progress(1), progress(2), progress(3)]) sut.write(message);
  sut.write(changed);
  await until("all of it", () => sut.events.notifications.length === 1);
  assert.deepEqual(first.sink.notifications, [log, withdrawal, progress(1).replace(":1,", ':"t",')]);
  assert.deepEqual([first.sink.questions, second.sink.questions], [[question], []]);
  assert.deepEqual(second.sink.notifications, []);
  assert.deepEqual(sut.events.dropped, [
    "unaddressed_log",
    "unaddressed_request",
    "unaddressed_progress",
    "unaddressed_progress",
  ]);
  sut.release();
});

test("G13 that an elicitation is complete is told to the only call in flight, and else to nobody", async () => {
  await using sut = await open();
  const complete = '{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e"}}';
  sut.write(complete);
  await until("the first", () => sut.events.dropped.length === 1);
  const { sink } = start(sut.connection, "hold");
  await until("the call", () => sut.journal.includes("call hold"));
  sut.write(complete);
  await until("the second", () => sink.notifications.length === 1);
  assert.deepEqual([sink.notifications, sut.events.dropped], [[complete], ["unaddressed_completion"]]);
  assert.deepEqual(sut.events.notifications, []);
  sut.release();
});

test("a response that comes there all the same reaches its call", async () => {
  await using sut = await open();
  const { sink } = start(sut.connection, "hold", { id: '"a"' });
  await until("the call", () => sut.journal.includes("call hold"));
  sut.write(result("1", '{"here":1}'));
  const answered = new Promise((resolve) => sut.peer.heads.at(-1)?.socket.on("close", resolve));
  assert.equal(await sink.response(), result('"a"', '{"here":1}'));
  // Its own exchange is not waited for any longer.
  await answered;
  sut.write(result("77", "{}"));
  sut.write("no message");
  await until("the noise", () => sut.events.noise.length === 1);
  await callTool(sut.connection, "echo");
});

test("a response that comes there while its call waits to take its stream up again leaves no timer behind", async () => {
  await using sut = await open();
  const text = "id: e1\nretry: 3600000\ndata:\n\n";
  const idle = sut.clock.pendingCount;
  const { sink } = start(sut.connection, "polled", { args: JSON.stringify({ text }) });
  await until("the pause", () => sut.clock.pendingCount > idle);
  sut.write(result("1", "{}"));
  await sink.response();
  // Idle connections are looked through until they are closed.
  for (let i = 0; i < 60; i++) await sut.clock.advance(1_000);
  assert.equal(sut.clock.pendingCount, 0);
});

test("a second response that comes there in the middle of a long one fails the call", async () => {
  await using sut = await open();
  const { sink } = start(sut.connection, "long-open");
  await until("the first part", () => sink.chunks.length > 0);
  sut.write(result("1", '{"other":1}'));
  assert.match((await sink.failed()).message, /answered twice at once/);
});

for (const status of [405, 404, 400, 501]) {
  test(`a server that has none (${status}) is not asked again`, async () => {
    await using sut = await open((response) => void response.writeHead(status).end("none here"));
    await callTool(sut.connection, "echo");
    await sut.clock.advance(3_600_000);
    await callTool(sut.connection, "echo");
    assert.equal(sut.streams.length, 1);
  });
}

test("G9 after a drop it goes on from the last event id when the server's own pause has passed", async () => {
  await using sut = await open();
  sut.streams[0]?.write("id: é-7\nretry: 700\ndata:\n\n");
  sut.streams[0]?.write(`data: ${changed}\n\nid: never whole\n`);
  await until("the event", () => sut.events.notifications.length === 1);
  sut.streams[0]?.destroy();
  await until("the drop is noticed", () => sut.clock.pendingCount > 1);
  await sut.clock.advance(699);
  assert.equal(sut.streams.length, 1);
  await sut.clock.advance(1);
  await sut.given(2);
  const id = Buffer.from(String(sut.peer.gets[1]?.headers["last-event-id"]), "latin1").toString();
  assert.equal(id, "é-7");
  sut.write(changed);
  await until("the next event", () => sut.events.notifications.length === 2);
});

test("a server that gives no pause is asked after growing ones, and not for ever", async () => {
  await using sut = await open((response) => void response.writeHead(503).end());
  for (let i = 0; i < 40; i++) {
    await callTool(sut.connection, "echo");
    await sut.clock.advance(60_000);
  }
  assert.equal(sut.streams.length, 21);
});

test("proxies that cut an idle stream do not wear it out", async () => {
  await using sut = await open();
  for (let count = 1; count <= 30; count++) {
    await sut.given(count);
    await callTool(sut.connection, "echo");
    await sut.clock.advance(20_000);
    sut.streams.at(-1)?.end();
    await until("the end is noticed", () => sut.clock.pendingCount > 1);
    await sut.clock.advance(1_000);
  }
  await sut.given(31);
});

test("a session that the server forgot is opened again, and a stream for it", async () => {
  let sessionLost = false;
  await using sut = await open((response, request) => {
    if (request.headers["mcp-session-id"] === "session-1" && sessionLost) response.writeHead(404).end();
    else give(response, request);
  });
  await callTool(sut.connection, "echo");
  const renewed = new Promise<void>((resolve) => (sut.connection.onRenewed = resolve));
  sessionLost = true;
  sut.peer.forgetSessions();
  await sut.clock.advance(10_000);
  sut.streams[0]?.destroy();
  await until("the end is noticed", () => sut.clock.pendingCount > 0);
  await sut.clock.advance(1_000);
  await sut.given(2);
  await until("the end of the session is noticed", () => sut.clock.pendingCount > 0);
  await sut.clock.advance(0);
  await sut.given(3);
  assert.equal(sut.peer.gets[2]?.headers["mcp-session-id"], "session-2");
  await renewed;
  await callTool(sut.connection, "echo");
});

test("a server that forgets every session at once is asked for few", async () => {
  let count = 0;
  await using sut = await open((response, request) => {
    if (++count % 2 === 0) response.writeHead(404).end();
    else {
      give(response, request);
      setImmediate(() => response.end());
    }
  });
  for (let i = 0; i < 240; i++) {
    await callTool(sut.connection, "echo");
    await sut.clock.advance(250);
  }
  const sessions = sut.journal.filter((line) => line === "request initialize").length;
  assert.ok(sessions > 1 && sessions <= 7, `${sessions} sessions in a minute`);
});

test("what withdraws a question that nobody was asked reaches nobody", async () => {
  await using sut = await open();
  const { sink } = startWith(new AskedSink(), sut.connection, "hold");
  await until("the call", () => sut.journal.includes("call hold"));
  sut.write('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}');
  sut.write(changed);
  await until("the change", () => sut.events.notifications.length === 1);
  assert.deepEqual(sink.notifications, []);
});

test("it ends with the connection", async () => {
  await using sut = await open();
  const ended = new Promise((resolve) => sut.streams[0]?.on("close", resolve));
  await sut.connection.close(0);
  await ended;
  await using other = await open();
  const destroyed = new Promise((resolve) => other.streams[0]?.on("close", resolve));
  other.connection.destroy(new ManagerError("unavailable", "the test ends it"));
  await destroyed;
});

test("calls come first where there is one connection only", async () => {
  await using bench = await startHttp(
    { era: "legacy", onGet: (_, response) => void response.writeHead(200, events) },
    1_000,
    1,
  );
  const connection = await bench.open();
  for (let i = 0; i < 3; i++) await callTool(connection, "echo");
  assert.equal(bench.peer.gets.length, 0);
});

test("a modern server is not asked for one", async () => {
  await using bench = await startHttp({ era: "modern" });
  await callTool(await bench.open(), "echo");
  assert.equal(bench.peer.gets.length, 0);
});
