/** Connections over HTTP+SSE: the contract of connections, and what a broken server may do with its stream and its answers. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import type { Connection } from "./connection.ts";
import { type ConnectionUnderTest, declareConnectionContract } from "./contract.ts";
import { callTool, start, type Started, toolCall, until } from "./testing/calls.ts";
import { result } from "./testing/peer.ts";
import { type SseBench, startSse } from "./testing/sse-bench.ts";
import type { SsePeerOptions } from "./testing/sse-peer.ts";

type SseUnderTest = SseBench & ConnectionUnderTest & { readonly connection: Connection };

async function open(options?: SsePeerOptions, messageBytesMax?: number): Promise<SseUnderTest> {
  const bench = await startSse(options, messageBytesMax);
  return { ...bench, connection: await bench.open() };
}

declareConnectionContract({
  name: "http+sse",
  serverAsks: true,
  questions: "of the only call",
  open: () => open(),
});

/** Treats a POST of a tool call by `treat`, and every other as usual. */
function treatingCalls(treat: (response: ServerResponse, take: () => void) => void): SsePeerOptions {
  return {
    intercept(body, response, take) {
      if (!body.includes('"tools/call"')) return false;
      treat(response, take);
      return true;
    },
  };
}

test("G9 messages are posted to the address that the stream gave, with the version and the operator's headers", async () => {
  await using sut = await open();
  await callTool(sut.connection, "echo");
  const [stream] = sut.peer.heads;
  const call = sut.peer.heads.at(-1);
  assert.deepEqual(
    { method: stream?.method, url: stream?.url, ...stream?.headers },
    { method: "GET", url: "/sse?x=1", host: call?.headers.host, "x-team": "a", accept: "text/event-stream" },
  );
  assert.deepEqual(
    { method: call?.method, url: call?.url, ...call?.headers },
    {
      method: "POST",
      url: "/messages?session=1",
      host: call?.headers.host,
      "x-team": "a",
      "content-type": "application/json",
      "mcp-protocol-version": "2025-11-25",
      "content-length": String(toolCall("echo").length),
    },
  );
});

test("comments, other events, ids and retry hints are passed over", async () => {
  await using sut = await open();
  assert.equal(await callTool(sut.connection, "comments", { id: '"c"' }), result('"c"', "{}"));
  assert.equal(await callTool(sut.connection, "moved"), result("1", "{}"));
  await callTool(sut.connection, "echo");
  assert.equal(sut.peer.heads.at(-1)?.url, "/messages?session=1");
  assert.deepEqual([sut.events.noise, sut.events.notifications, sut.events.dropped], [[], [], []]);
});

test("events that are no messages are told, and messages around them arrive", async () => {
  await using sut = await open();
  for (let i = 0; i < 6; i++) assert.equal(await callTool(sut.connection, "noise"), result("1", "{}"));
  assert.deepEqual(sut.events.noise.slice(0, 2), ["hello", "[]"]);
  assert.deepEqual(
    sut.events.unhealthy.map(({ reason }) => reason),
    ["STREAM_NOISE"],
  );
});

test("responses that nobody waits for are dropped and counted", async () => {
  await using sut = await open();
  assert.equal(await callTool(sut.connection, "stranger"), result("1", "{}"));
  await callTool(sut.connection, "echo");
  assert.deepEqual(sut.events.dropped, ["unknown_response", "unknown_response", "unknown_response", "late_response"]);
});

const losses: Readonly<Record<string, (sut: SseUnderTest) => void>> = {
  "cut in the middle of an event": (sut) => void start(sut.connection, "cut"),
  "ended in order": (sut) => sut.peer.endStreams(),
};
for (const [how, lose] of Object.entries(losses)) {
  test(`a stream that is ${how} fails the calls in flight and closes the connection`, async () => {
    await using sut = await open();
    const calls = [start(sut.connection, "hold"), start(sut.connection, "hold")];
    await until("the calls", () => sut.journal.filter((line) => line === "call hold").length === 2);
    lose(sut);
    for (const { sink } of calls) {
      const { code, reason, message } = await sink.failed();
      assert.deepEqual([code, reason], ["unavailable", "CONNECTION_LOST"]);
      assert.match(message, /^the stream of server "weather" was lost: /);
    }
    assert.equal((await sut.connection.closed).reason, "CONNECTION_LOST");
    assert.equal(sut.connection.inFlight, 0);
  });
}

test("an event that is too large closes the connection, whether its end comes or not", async () => {
  await using sut = await open({}, 100_000);
  // In the order of members that does not show whose it is before its end.
  const { sink } = start(sut.connection, "rows", { args: '{"bytes":200000}' });
  const failure = await sink.failed();
  assert.equal(failure.code, "protocol_error");
  assert.equal(failure.message, 'server "weather": an event of the stream is longer than 100000 bytes');
  assert.equal(await sut.connection.closed, failure);
});

test("a long result is passed on as it comes, whatever its length, and what comes after it arrives", async () => {
  await using sut = await open({}, 100_000);
  const args = '{"bytes":3000000}';
  const calls = [start(sut.connection, "big", { id: '"long"', args }), start(sut.connection, "echo")] as const;
  const text = await calls[0].sink.response();
  assert.ok(text === result('"long"', `{"text":"${"x".repeat(3_000_000)}"}`), text.slice(0, 100) + text.slice(-100));
  assert.ok(calls[0].sink.chunks.length > 2);
  await calls[1].sink.response();
});

test("a long result that is given up in the middle leaves the stream to the others", async () => {
  await using sut = await open();
  const { sink, exchange } = start(sut.connection, "big", { args: '{"bytes":3000000}' });
  sink.onChunk = () => exchange.cancel("enough");
  assert.equal(await callTool(sut.connection, "comments", { id: '"c"' }), result('"c"', "{}"));
  assert.deepEqual([sink.chunks.length, sink.isOver, sut.connection.inFlight], [1, false, 0]);
});

test("a stream that is lost in the middle of a long result fails its call", async () => {
  await using sut = await open();
  const { sink } = start(sut.connection, "cut-long");
  const { reason } = await sink.failed();
  assert.equal(reason, "CONNECTION_LOST");
  assert.ok(sink.chunks.length > 0);
});

test("the end of a long result with a second id never leaves", async () => {
  await using sut = await open();
  const { sink } = start(sut.connection, "two-ids");
  assert.match((await sink.failed()).message, /whose id is not that of the request, or not the only one/);
  assert.throws(() => JSON.parse(sink.text));
  await callTool(sut.connection, "echo");
});

test("an answer may come before its POST is acknowledged", async () => {
  const waiting: ServerResponse[] = [];
  await using sut = await open(
    treatingCalls((response, take) => {
      waiting.push(response);
      take();
    }),
  );
  const idleTimers = sut.clock.pendingCount;
  const calls = ["1", "2", "3"].map((id) => ({ id, ...start(sut.connection, "echo", { id }) }));
  for (const { id, sink } of calls) assert.ok((await sink.response()).startsWith(`{"jsonrpc":"2.0","id":${id},`));
  assert.equal(sut.connection.inFlight, 0);
  for (const response of waiting) response.writeHead(200).end("Accepted");
  await until("the acknowledgements", () => sut.clock.pendingCount === idleTimers);
  assert.equal(sut.connection.closeReason, undefined);
});

test("a POST that is never acknowledged is given up a while after its call", async () => {
  const waiting: ServerResponse[] = [];
  await using sut = await open(
    treatingCalls((response, take) => {
      waiting.push(response);
      take();
    }),
  );
  await callTool(sut.connection, "echo");
  const closed = new Promise((resolve) => waiting[0]?.on("close", resolve));
  await sut.clock.advance(5_000);
  await closed;
  assert.equal(sut.connection.closeReason, undefined);
});

test("a call that is cancelled while its POST is under way is cancelled at the server once that has it", async () => {
  const accept: (() => void)[] = [];
  await using sut = await open(
    treatingCalls((response, take) => {
      accept.push(() => {
        take();
        response.writeHead(202).end();
      });
    }),
  );
  const { sink, exchange } = start(sut.connection, "hold");
  await until("the POST", () => accept.length === 1);
  exchange.cancel("not wanted");
  assert.equal(sut.connection.inFlight, 0);
  assert.ok(!sut.journal.includes("notified notifications/cancelled"));
  accept[0]?.();
  await until("the cancellation", () => sut.journal.includes("cancelled hold"));
  assert.equal(sink.isOver, false);
});

test("a call that is cancelled while its POST is never acknowledged is cancelled at the server all the same", async () => {
  await using sut = await open(treatingCalls((_response, take) => take()));
  const { exchange } = start(sut.connection, "hold");
  await until("the call", () => sut.journal.includes("call hold"));
  exchange.cancel("not wanted");
  await sut.clock.advance(5_000);
  await until("the cancellation", () => sut.journal.includes("cancelled hold"));
});

const refusals: Readonly<Record<number, { code: string; reason: string }>> = {
  302: { code: "protocol_error", reason: "PROTOCOL_ERROR" },
  400: { code: "protocol_error", reason: "PROTOCOL_ERROR" },
  401: { code: "unavailable", reason: "UPSTREAM_UNAUTHORIZED" },
  500: { code: "unavailable", reason: "UPSTREAM_HTTP_ERROR" },
};
for (const [status, expected] of Object.entries(refusals)) {
  test(`a POST answered with ${status} fails its call and no other`, async () => {
    let hasRefused = false;
    await using sut = await open(
      treatingCalls((response, take) => {
        if (hasRefused) {
          take();
          return void response.writeHead(202).end();
        }
        hasRefused = true;
        response.writeHead(Number(status)).end("no");
      }),
    );
    const { code, reason } = await start(sut.connection, "echo").sink.failed();
    assert.deepEqual({ code, reason }, expected);
    assert.equal(sut.connection.closeReason, undefined);
    await callTool(sut.connection, "echo");
  });
}

test("a POST whose connection breaks fails its call and no other", async () => {
  let isFirst = true;
  await using sut = await open(
    treatingCalls((response, take) => {
      if (isFirst) response.destroy();
      else take();
      if (!isFirst) response.writeHead(202).end();
      isFirst = false;
    }),
  );
  const failure = await start(sut.connection, "echo").sink.failed();
  assert.deepEqual([failure.code, failure.reason], ["unavailable", "CONNECTION_LOST"]);
  assert.match(failure.message, /^server "weather": /);
  await callTool(sut.connection, "echo");
});

test("a server that forgot the session while its stream stands is opened anew: the connection closes", async () => {
  await using sut = await open(treatingCalls((response) => void response.writeHead(404).end("no such session")));
  const failure = await start(sut.connection, "echo").sink.failed();
  assert.deepEqual([failure.code, failure.reason], ["unavailable", "CONNECTION_LOST"]);
  assert.equal(await sut.connection.closed, failure);
});

test("an acknowledgement that does not end is not read to its end", async () => {
  await using sut = await open(
    treatingCalls((response, take) => {
      response.writeHead(200);
      take();
      response.write("x".repeat(100_000));
    }),
  );
  assert.equal(await callTool(sut.connection, "echo"), result("1", `{"params":{"name":"echo","arguments":{}}}`));
  await callTool(sut.connection, "echo");
});

test("a caller that takes nothing stops the reading of the stream until it goes on, or five seconds", async () => {
  await using sut = await open();
  const args = '{"bytes":12000000}';
  const takenBytes = ({ sink }: Started): number => sink.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const slow = start(sut.connection, "big", { args });
  slow.sink.goesOn = false;
  await until("the bound", () => takenBytes(slow) > 8_388_608);
  const other = start(sut.connection, "echo", { id: '"other"' });
  await until("the call at the server", () => sut.journal.includes("call echo"));
  await callThroughServer(sut);
  assert.equal(other.sink.isOver, false);
  slow.sink.goesOn = true;
  slow.exchange.resume();
  await Promise.all([slow.sink.response(), other.sink.response()]);

  const again = start(sut.connection, "big", { args });
  again.sink.goesOn = false;
  await until("the bound", () => takenBytes(again) > 8_388_608);
  const last = start(sut.connection, "echo", { id: '"last"' });
  await until("the call at the server", () => sut.journal.filter((line) => line === "call echo").length === 2);
  await sut.clock.advance(5_000);
  await Promise.all([again.sink.response(), last.sink.response()]);
});

/** A round trip over another connection to the server: what the stream was to bring would have come. */
async function callThroughServer(sut: SseUnderTest): Promise<void> {
  sut.connection.notify(Buffer.from('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}'));
  await until("the notification", () => sut.journal.includes("notified notifications/roots/list_changed"));
}

test("closing ends the stream at the server", async () => {
  await using sut = await open();
  await sut.connection.close(1_000);
  await until("the end of the stream", () => sut.journal.includes("stream 1 closed"));
});
