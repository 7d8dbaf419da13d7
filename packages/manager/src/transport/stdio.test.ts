/** Connections to servers on stdio: the contract of connections, and what a broken or hostile process may do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { type ConnectionUnderTest, declareConnectionContract } from "./contract.ts";
import { initializeStdio, probeStdio } from "./stdio-open.ts";
import {
  AskedSink,
  callTool,
  listen,
  outbound,
  RecordingEvents,
  RecordingSink,
  start,
  startWith,
  toolCall,
  until,
} from "./testing/calls.ts";
import { result } from "./testing/peer.ts";
import { StdioChild } from "./testing/stdio-child.ts";
import type { StdioLimits } from "./stdio-channel.ts";

interface StdioUnderTest extends ConnectionUnderTest {
  readonly child: StdioChild;
}

async function open(era: "legacy" | "modern" = "legacy", limits: Partial<StdioLimits> = {}): Promise<StdioUnderTest> {
  const child = new StdioChild(era);
  const events = new RecordingEvents();
  const clock = new ManualClock();
  const options = {
    streams: child.streams,
    server: "stand-in",
    events,
    clock,
    limits,
    openTimeoutMs: 5_000,
    probeTimeoutMs: 5_000,
  };
  const connection = era === "legacy" ? await initializeStdio(options) : await probeStdio(options);
  assert.ok(connection);
  return {
    connection,
    events,
    clock,
    child,
    journal: child.journal,
    release: () => child.release(),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await connection.closed;
      assert.equal(clock.pendingCount, 0, "no timer is left");
    },
  };
}

declareConnectionContract({
  name: "stdio legacy",
  serverAsks: true,
  questions: "of the only call",
  open: () => open("legacy"),
});
declareConnectionContract({
  name: "stdio modern",
  serverAsks: true,
  subscriptions: true,
  open: () => open("modern"),
});

test("G10 lines that are no messages are skipped, counted and told; messages around them arrive", async () => {
  await using sut = await open();
  assert.equal(await callTool(sut.connection, "garbage", { args: '{"count":4}' }), result("1", "{}"));
  assert.deepEqual(sut.events.noise, ["Listening…", "\u{fffd}\u{fffd}", '{"jsonrpc":"2.0"}', "[]", "\u{fffd}\u{fffd}"]);
  assert.deepEqual(sut.events.unhealthy, []);
});

test("ten such lines within ten seconds make the server unhealthy, once, and the connection goes on", async () => {
  await using sut = await open();
  await callTool(sut.connection, "garbage", { args: '{"count":7}' });
  await sut.clock.advance(10_001);
  await callTool(sut.connection, "garbage", { args: '{"count":7}' });
  assert.equal(sut.events.unhealthy.length, 0);
  await callTool(sut.connection, "garbage", { args: '{"count":70}' });
  assert.deepEqual(
    sut.events.unhealthy.map((error) => [error.code, error.reason]),
    [["protocol_error", "STDOUT_NOISE"]],
  );
  assert.match(sut.events.unhealthy[0]?.message ?? "", /server "stand-in".*stderr/);
  await callTool(sut.connection, "echo");
});

test("an answer that cannot be read fails its call at once, and the connection and its other calls go on", async () => {
  await using sut = await open();
  const other = start(sut.connection, "hold");
  const { sink } = start(sut.connection, "deep");
  const error = await sink.failed();
  assert.deepEqual([error.code, error.reason, error.server], ["protocol_error", "UNREADABLE_ANSWER", "stand-in"]);
  assert.match(error.message, /nested deeper than 128 levels/);
  assert.equal(sut.events.noise.length, 1, "it is counted all the same");
  await callTool(sut.connection, "echo");
  sut.release();
  await other.sink.response();
});

test("G10 a message longer than allowed ends the connection without being kept", async () => {
  await using sut = await open("legacy", { messageBytesMax: 1_000_000 });
  const { sink } = start(sut.connection, "oversize");
  const other = start(sut.connection, "hold");
  const error = await sink.failed();
  assert.deepEqual([error.code, error.reason, error.server], ["protocol_error", "MESSAGE_TOO_LARGE", "stand-in"]);
  assert.equal(await other.sink.failed(), error);
});

test("a message of exactly the limit is taken", async () => {
  await using sut = await open("legacy", { messageBytesMax: 1_000_000 });
  const overhead = result("10", '{"text":""}').length;
  for (let i = 0; i < 9; i++) await callTool(sut.connection, "echo");
  await callTool(sut.connection, "big", { args: `{"bytes":${1_000_000 - overhead}}` });
  const { sink } = start(sut.connection, "big", { args: `{"bytes":${1_000_001 - overhead}}` });
  assert.equal((await sink.failed()).reason, "MESSAGE_TOO_LARGE");
});

test("a message that trickles in byte by byte arrives", async () => {
  await using sut = await open();
  assert.equal(await callTool(sut.connection, "split"), result("1", '{"text":"é\u{1f600}"}'));
});

test("G18 responses to nothing are dropped and counted, and of two the first wins", async () => {
  await using sut = await open();
  const response = await callTool(sut.connection, "stranger");
  assert.equal(response, '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"first"}}');
  await callTool(sut.connection, "echo");
  assert.deepEqual(sut.events.dropped, [...Array<string>(4).fill("unknown_response"), "late_response"]);
  // An id that is no id (`1.0`), and none at all on a result, make a line that is no message.
  assert.equal(sut.events.noise.length, 2);
});

test("what a modern server asks is refused, for it may not ask, and reaches no call", async () => {
  await using sut = await open("modern");
  const { sink } = startWith(new AskedSink(), sut.connection, "ask");
  assert.match(await sink.response(), /the manager takes no sampling\/createMessage requests/);
  assert.deepEqual([sink.questions, sut.events.dropped], [[], []]);
});

test("what a modern server tells of a subscription that has ended reaches nobody and is counted", async () => {
  await using sut = await open("modern");
  const { sink, exchange } = listen(sut.connection, "1");
  await until("the acknowledgement", () => sink.notifications.length === 1);
  exchange.cancel("enough");
  await callTool(sut.connection, "tell");
  assert.deepEqual([sut.events.dropped, sut.events.notifications], [["unknown_subscription"], []]);
});

test("G10 line ends inside a request become spaces, so that one message stays one line", async () => {
  await using sut = await open();
  const response = await callTool(sut.connection, "echo", { args: '{\n  "a": [\r\n1,\r2],\n  "b": "\\n"\n}' });
  assert.match(response, /"arguments":\{ {3}"a": \[ {2}1, 2\], {3}"b": "\\n" \}/);
});

test("G17 a log line with several calls in flight, or none, is given to nobody and counted", async () => {
  await using sut = await open();
  const held = start(sut.connection, "hold");
  const { sink } = start(sut.connection, "log");
  await sink.response();
  assert.deepEqual(sink.notifications, []);
  assert.deepEqual(held.sink.notifications, []);
  assert.deepEqual(sut.events.dropped, ["unaddressed_log"]);
});

test("G17 on a channel that has carried calls of two principals a log line is nobody's: it may be a late one", async () => {
  await using sut = await open();
  const heard: number[] = [];
  for (const principal of ["ada", "ada", "bob", "ada"]) {
    const sink = new RecordingSink();
    sut.connection.send({ ...outbound(toolCall("log")), principal }, sink);
    await sink.response();
    heard.push(sink.notifications.length);
  }
  assert.deepEqual(heard, [1, 1, 0, 0]);
  assert.deepEqual(sut.events.dropped, ["unaddressed_log", "unaddressed_log"]);
});

for (const fault of ["exit", "half-close"]) {
  test(`G10 when the server's stdout ends (${fault}), every call in flight fails at once`, async () => {
    await using sut = await open();
    const held = start(sut.connection, "hold");
    const { sink } = start(sut.connection, fault);
    const error = await sink.failed();
    assert.deepEqual([error.code, error.reason, error.server], ["unavailable", "CONNECTION_LOST", "stand-in"]);
    assert.match(error.message, /server "stand-in"/);
    assert.equal(await held.sink.failed(), error);
    assert.equal(await sut.connection.closed, error);
  });
}

test("when the server closes its stdin, the next call fails, and with it those in flight", async () => {
  await using sut = await open();
  const held = start(sut.connection, "hold");
  await callTool(sut.connection, "stdin-close");
  const { sink } = start(sut.connection, "echo");
  assert.equal((await sink.failed()).reason, "CONNECTION_LOST");
  assert.equal((await held.sink.failed()).reason, "CONNECTION_LOST");
  assert.deepEqual([sink.wasWritten, held.sink.wasWritten], [false, true], "it took nothing of what failed the pipe");
});

test("calls to a server that does not read its stdin are refused after a while; it is called unhealthy", async () => {
  await using sut = await open("legacy", { writeTimeoutMs: 10_000 });
  const { connection, events, clock } = sut;
  await callTool(connection, "deaf");
  const args = `{"x":"${"x".repeat(1_000_000)}"}`;
  const inPipe = start(connection, "echo", { args });
  await until("the pipe is full", () => clock.pendingCount === 1);
  const waiting = start(connection, "echo");
  await clock.advance(10_000);
  const error = await waiting.sink.failed();
  assert.deepEqual([error.code, error.reason], ["unavailable", "STDIN_STALLED"]);
  assert.match(error.message, /server "stand-in" has not read its stdin for 10000 ms/);
  assert.equal((await start(connection, "echo").sink.failed()).reason, "STDIN_STALLED");
  assert.deepEqual(events.unhealthy, [error]);
  // What the pipe has taken may have been seen: it is its caller's to give up.
  assert.equal(inPipe.sink.isOver, false);
  inPipe.exchange.cancel("timed out");
  assert.equal(connection.inFlight, 0);
});

test("more than the queue holds is refused while the server reads slowly", async () => {
  await using sut = await open("legacy", { unwrittenBytesMax: 100_000 });
  const { connection, clock } = sut;
  await callTool(connection, "deaf");
  start(connection, "echo", { args: `{"x":"${"x".repeat(1_000_000)}"}` });
  await until("the pipe is full", () => clock.pendingCount === 1);
  const args = `{"x":"${"x".repeat(60_000)}"}`;
  start(connection, "echo", { args });
  const refused = start(connection, "echo", { args });
  assert.equal((await refused.sink.failed()).reason, "STDIN_QUEUE_FULL");
});

test("a call that was not written yet is cancelled without a word to the server", async () => {
  await using sut = await open();
  const { exchange } = start(sut.connection, "hold");
  exchange.cancel("at once");
  await callTool(sut.connection, "echo");
  assert.deepEqual(
    sut.child.journal.filter((line) => /hold|cancel/.test(line)),
    [],
  );
});

test("slow callers stop the reading above a bound, and it goes on when they do", async () => {
  await using sut = await open("legacy", { undeliveredBytesMax: 1_000_000 });
  const { connection } = sut;
  const slow = start(connection, "hold");
  slow.sink.goesOn = false;
  const big = start(connection, "big", { args: '{"bytes":2000000}' });
  big.sink.goesOn = false;
  await big.sink.response();
  await until("reading has stopped", () => sut.child.streams.stdout.isPaused());
  const other = start(connection, "echo");
  big.exchange.resume();
  await other.sink.response();
  assert.equal(sut.child.streams.stdout.isPaused(), false);
  slow.exchange.cancel("enough");
});

test("one slow caller does not hold up the others for ever", async () => {
  await using sut = await open("legacy", { undeliveredBytesMax: 1_000_000, pauseMsMax: 5_000 });
  const big = start(sut.connection, "big", { args: '{"bytes":2000000}' });
  big.sink.goesOn = false;
  await big.sink.response();
  const other = start(sut.connection, "echo");
  await sut.clock.advance(4_999);
  assert.equal(other.sink.isOver, false);
  await sut.clock.advance(1);
  await other.sink.response();
});

test("a connection that ends while reading has stopped leaves the server's stdout flowing", async () => {
  await using sut = await open("legacy", { undeliveredBytesMax: 1_000_000 });
  const big = start(sut.connection, "big", { args: '{"bytes":2000000}' });
  big.sink.goesOn = false;
  await big.sink.response();
  await until("reading has stopped", () => sut.child.streams.stdout.isPaused());
  start(sut.connection, "big", { args: '{"bytes":5000000}' });
  await until("the call at the server", () => sut.journal.filter((line) => line === "call big").length === 2);
  await sut.connection.close(0);
  sut.child.streams.stdin.end();
  await sut.child.exited;
});

test("a stopped process fails nothing by itself, and goes on where it was", async () => {
  await using sut = await open();
  const given = start(sut.connection, "hold");
  await until("the call at the server", () => sut.journal.includes("call hold"));
  sut.child.kill("SIGSTOP");
  const { sink, exchange } = start(sut.connection, "echo");
  given.exchange.cancel("timed out");
  assert.equal(sink.isOver, false);
  sut.child.kill("SIGCONT");
  await sink.response();
  await until("the cancellation", () => sut.child.journal.includes("cancelled hold"));
  exchange.cancel("over already");
});
