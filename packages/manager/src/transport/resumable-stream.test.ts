/** Answers that come over several connections: a legacy stream that breaks off is taken up again where it was. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import type { Connection } from "./connection.ts";
import { callTool, type CallOptions, start, type Started, until } from "./testing/calls.ts";
import { type HttpBench, startHttp } from "./testing/http-bench.ts";
import { events } from "./testing/http-peer.ts";
import { result } from "./testing/peer.ts";

type Resume = (response: ServerResponse, attempt: number, request: IncomingMessage) => void;

interface ResumeUnderTest extends HttpBench {
  readonly connection: Connection;
  /** The requests to go on. */
  readonly resumptions: readonly IncomingMessage[];
  /** Calls a tool whose stream begins with `text` and then ends, or breaks. */
  poll(text: string, options?: CallOptions & { readonly cut?: boolean }): Started;
  /** Waits until the first stream has ended; then lets so much time pass. */
  afterBreak(ms: number): Promise<void>;
  /** Lets time pass until the server has been asked to go on so many times. */
  attempt(count: number): Promise<void>;
}

/** A server whose GET goes on with a stream as `resume` says, and that has none of its own. */
async function open(resume: Resume, era: "legacy" | "modern" = "legacy"): Promise<ResumeUnderTest> {
  const resumptions: IncomingMessage[] = [];
  const bench = await startHttp({
    era,
    sessions: era === "legacy",
    onGet(request, response) {
      if (request.headers["last-event-id"] === undefined) return void response.writeHead(405).end();
      resume(response, resumptions.push(request), request);
    },
  });
  const connection = await bench.open();
  await callTool(connection, "echo");
  const idle = bench.clock.pendingCount;
  return {
    ...bench,
    connection,
    resumptions,
    poll: (text, { cut = false, ...options } = {}) =>
      start(connection, "polled", { ...options, args: JSON.stringify({ text, cut }) }),
    async afterBreak(ms) {
      await until("the break is noticed", () => bench.clock.pendingCount > idle);
      await bench.clock.advance(ms);
    },
    async attempt(count) {
      for (let turn = 0; resumptions.length < count && turn < 10_000; turn++) await bench.clock.advance(50);
      assert.equal(resumptions.length, count);
    },
  };
}

const priming = "id: e1\nretry: 500\ndata:\n\n";

/** Ends the stream with the response of the first call after `echo`. */
function respond(response: ServerResponse, before = ""): void {
  response.writeHead(200, events).end(`${before}id: e9\ndata: ${result("2", '{"resumed":true}')}\n\n`);
}

for (const cut of [false, true]) {
  test(`G9 a call goes on after the server's own pause, ${cut ? "broken off" : "ended"} after its first event`, async () => {
    await using sut = await open((response) => respond(response));
    const { sink } = sut.poll(priming, { cut, id: '"a"' });
    await sut.afterBreak(499);
    assert.equal(sut.resumptions.length, 0);
    await sut.clock.advance(1);
    assert.equal(await sink.response(), result('"a"', '{"resumed":true}'));
    const headers = sut.resumptions[0]?.headers;
    assert.deepEqual(
      [headers?.["last-event-id"], headers?.["mcp-session-id"], headers?.accept],
      ["e1", "session-1", "text/event-stream"],
    );
    assert.equal(sut.connection.inFlight, 0);
  });
}

test("progress before and after a break is the call's, and a server may poll as long as it likes", async () => {
  const progress = (n: number): string =>
    `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":${n}}}\n\n`;
  await using sut = await open((response, attempt) => {
    if (attempt === 20) respond(response, `id: p\n${progress(attempt)}`);
    else response.writeHead(200, events).end(`id: e${attempt}\ndata:\n\n`);
  });
  const { sink } = sut.poll(`id: e0\nretry: 200\n${progress(0)}`, { token: '"t"' });
  await sut.attempt(20);
  await sink.response();
  assert.deepEqual(
    sink.notifications.map((text) => (JSON.parse(text) as { params: unknown }).params),
    [0, 20].map((n) => ({ progressToken: "t", progress: n })),
  );
  assert.deepEqual(
    sut.resumptions.map(({ headers }) => headers["last-event-id"]),
    Array.from({ length: 20 }, (_, i) => `e${i}`),
  );
});

test("without a pause of the server's it is a second", async () => {
  await using sut = await open((response) => respond(response));
  const { sink } = sut.poll("id: e1\ndata:\n\n");
  await sut.afterBreak(999);
  assert.equal(sut.resumptions.length, 0);
  await sut.clock.advance(1);
  await sink.response();
});

test("attempts in vain are counted, and the last one's failure is the call's", async () => {
  await using sut = await open((response) => void response.destroy());
  const { sink } = sut.poll(priming);
  await sut.attempt(5);
  const error = await sink.failed();
  assert.deepEqual([error.code, error.reason, error.server], ["unavailable", "CONNECTION_LOST", "weather"]);
  assert.equal(sut.connection.inFlight, 0);
});

for (const status of [404, 405, 400]) {
  test(`a server that answers ${status} does not go on, and the call fails as before`, async () => {
    await using sut = await open((response) => void response.writeHead(status).end("no"));
    const { sink } = sut.poll(priming);
    await sut.afterBreak(500);
    assert.match((await sink.failed()).message, /server "weather" ended the stream before its response/);
    assert.equal(sut.resumptions.length, 1);
  });
}

test("a call that is given up between two connections is not taken up again, and the server is told", async () => {
  await using sut = await open((response) => respond(response));
  const { sink, exchange } = sut.poll(priming);
  await sut.afterBreak(100);
  exchange.cancel("enough");
  await sut.clock.advance(500);
  await until("the cancellation", () => sut.journal.includes("notified notifications/cancelled"));
  assert.deepEqual([sut.resumptions.length, sink.isOver], [0, false]);
});

test("a call that is given up on its second connection closes it", async () => {
  let closed = false;
  await using sut = await open((response) => {
    response.writeHead(200, events).flushHeaders();
    response.on("close", () => (closed = true));
  });
  const { exchange } = sut.poll(priming);
  await sut.afterBreak(500);
  await until("the second connection", () => sut.resumptions.length === 1);
  exchange.cancel("enough");
  await until("its end", () => closed);
});

test("a stream without event ids, and one whose ids no header can carry, are lost when they break", async () => {
  await using sut = await open((response) => respond(response));
  for (const id of ["", "id:\n", "id: a\x01b\n", `id: ${"x".repeat(5_000)}\n`]) {
    const { sink } = sut.poll(`${id}retry: 100\ndata:\n\n`);
    assert.match((await sink.failed()).message, /ended the stream before its response/);
  }
  assert.equal(sut.resumptions.length, 0);
});

test("a modern stream is lost when it breaks, whatever ids it gave", async () => {
  await using sut = await open((response) => respond(response), "modern");
  const { sink } = sut.poll(priming);
  assert.match((await sink.failed()).message, /ended the stream before its response/);
  assert.equal(sut.peer.gets.length, 0);
});
