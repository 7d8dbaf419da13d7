/** Calls on their way past what protects their server: places, second attempts, breakers, servers that sleep. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError, type ServerSpecInput } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { httpFailure } from "../../transport/http-status.ts";
import { eras, peerOf, serverResource, TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";
import type { Received, ScriptedConnection } from "../testing/scripted-connection.ts";

const lost = new ManagerError("unavailable", 'the connection to server "s" was lost', {
  server: "s",
  reason: "CONNECTION_LOST",
});
/** Longer than the longest pause before another attempt. */
const pauseMs = 260;

interface Bench extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly peer: Peer;
  /** Calls the tool `t`. */
  call(meta?: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** Two replicas; the first is asked first. */
  readonly replicas: readonly [ScriptedConnection, ScriptedConnection];
}

async function openBench(spec: Partial<ServerSpecInput> = {}): Promise<Bench> {
  const gateway = await TestGateway.open({ clock: new ManualClock() });
  const first = gateway.serve("s", {}, spec);
  const second = gateway.attach("s", {}, "s-1-b");
  const peer = new Peer(gateway.url);
  return {
    gateway,
    peer,
    call: (meta = {}) => peer.modern("tools/call", { name: "s__t" }, { meta }),
    replicas: [first, second],
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

const answers = (call: Received): void => call.result({ n: 1 });

for (const era of eras) {
  test(`R2 a call of a ${era} client that its replica cannot have seen goes to another, and its client notices nothing`, async () => {
    await using bench = await openBench();
    const { gateway, replicas } = bench;
    const [first, second] = replicas;
    second.script = { "tools/call": answers };
    const peer = await peerOf(era, gateway);
    const answer = peer[era]("tools/call", { name: "s__t" });
    (await first.call("tools/call")).fail(lost, false);
    await gateway.time.advance(pauseMs);
    assert.equal((await answer).body?.result?.["n"], 1);
    assert.equal(second.calls("tools/call").length, 1);
    assert.equal(gateway.guards.of("s")?.load.retries, 1);
  });
}

test("R1 I2 a tool that may have run is not called twice, and its caller hears that nobody knows", async () => {
  await using bench = await openBench();
  const { gateway, replicas } = bench;
  const answer = bench.call();
  (await replicas[0].call("tools/call")).fail(lost);
  const { status, body } = await answer;
  assert.deepEqual([status, body?.error?.data?.["retryable"]], [503, false]);
  assert.match(body?.error?.message ?? "", /whether the call was carried out is not known$/);
  await gateway.time.advance(pauseMs);
  assert.equal(replicas[1].calls("tools/call").length, 0);
});

test("what changes nothing is asked of another replica also when the first may have answered, or failed inside", async () => {
  await using bench = await openBench();
  const { gateway, peer, replicas } = bench;
  const [first, second] = replicas;
  second.script = { "prompts/get": answers };
  const ends: readonly ((call: Received) => void)[] = [
    (call) => call.fail(lost),
    (call) => call.fail(httpFailure("s", 502, undefined)),
    (call) => call.error(-32603, "out of memory"),
  ];
  for (const [i, end] of ends.entries()) {
    const answer = peer.modern("prompts/get", { name: "s__p" });
    end(await first.call("prompts/get", i + 1));
    await gateway.time.advance(pauseMs);
    assert.equal((await answer).body?.result?.["n"], 1);
  }
  // What is the client's fault is nobody else's.
  for (const [i, code] of [-32602, -32002].entries()) {
    const refused = peer.modern("prompts/get", { name: "s__p" });
    (await first.call("prompts/get", 4 + i)).error(code, "there is no such thing");
    // A modern client knows one code for what is not there.
    assert.equal((await refused).body?.error?.code, -32602);
  }
});

test("there is one more attempt and no third, and what is told is how the last one ended", async () => {
  await using bench = await openBench();
  const { gateway, replicas } = bench;
  const answer = bench.call();
  (await replicas[0].call("tools/call")).fail(lost, false);
  await gateway.time.advance(pauseMs);
  (await replicas[1].call("tools/call")).fail(new ManagerError("unavailable", "this one too", { server: "s" }), false);
  const { body } = await answer;
  assert.equal(body?.error?.message, "this one too");
  assert.equal(body?.error?.data?.["retryable"], true, "nothing was carried out");
  assert.equal(replicas[0].calls("tools/call").length, 1);
});

test("a call that its client has heard of is not begun anew", async () => {
  await using bench = await openBench();
  const answer = bench.call({ progressToken: 1 });
  const first = await bench.replicas[0].call("tools/call");
  first.notify("notifications/progress", { progress: 1 });
  first.fail(lost, false);
  assert.equal((await answer).body?.error?.code, 503);
  assert.equal(bench.gateway.guards.of("s")?.load.retries, 0);
});

test("no second attempt when the call has no time left for the pause", async () => {
  await using bench = await openBench({ limits: { callTimeout: "1s" } });
  const answer = bench.call();
  const first = await bench.replicas[0].call("tools/call");
  await bench.gateway.time.advance(990);
  first.fail(lost, false);
  assert.equal((await answer).body?.error?.message, lost.message);
});

test("H4 second attempts have a budget: a server that fails for all is not asked twice for each", async () => {
  await using bench = await openBench();
  const { gateway, replicas } = bench;
  const fails = (call: Received): void => call.fail(lost, false);
  for (const replica of replicas) replica.script = { "tools/call": fails };
  // Below the threshold of the breaker, which five failures in a row would open.
  const sent = Array.from({ length: 4 }, () => bench.call());
  await replicas[0].until(() => replicas[0].calls("tools/call").length === 4);
  await gateway.time.advance(pauseMs);
  for (const { status } of await Promise.all(sent)) assert.equal(status, 503);
  assert.equal(replicas.flatMap((replica) => replica.calls("tools/call")).length, 7);
});

test("with one replica, which is gone, the call goes to the one that takes its place", async () => {
  await using bench = await openBench();
  const { gateway, replicas } = bench;
  gateway.upstreams.detach("s", "s-1-b");
  const answer = bench.call();
  const seen = await replicas[0].call("tools/call");
  replicas[0].closeReason = lost;
  seen.fail(lost, false);
  gateway.upstreams.detach("s", "s-1-a");
  gateway.attach("s", { script: { "tools/call": answers } });
  await gateway.time.advance(pauseMs);
  assert.equal((await answer).body?.result?.["n"], 1);
});

test("with one replica, which is still there, nothing is tried again", async () => {
  await using bench = await openBench();
  bench.gateway.upstreams.detach("s", "s-1-b");
  const answer = bench.call();
  (await bench.replicas[0].call("tools/call")).fail(lost, false);
  assert.equal((await answer).body?.error?.message, lost.message);
});

test("H2 five calls in a row that the transport failed open the breaker: the next are refused in both eras, with the reason", async () => {
  await using bench = await openBench();
  const { gateway, replicas } = bench;
  for (let i = 1; i <= 5; i++) {
    const answer = bench.call();
    (await replicas[0].call("tools/call", i)).fail(lost);
    await answer;
  }
  for (const era of eras) {
    const peer = await peerOf(era, gateway);
    const { status, headers, body } = await peer[era]("tools/call", { name: "s__t" });
    assert.equal(status, 503);
    assert.ok(Number(headers.get("retry-after")) >= 4);
    assert.equal(body?.error?.data?.["code"], "circuit_open");
    assert.match(body?.error?.message ?? "", /server "s" is not called for now/);
  }
  assert.match(gateway.metrics.text(), /method="tools\/call",outcome="refused"\} 2\n/);
});

test("a call that waits for its place gets it when another ends, and a client that gives up leaves the line", async () => {
  await using bench = await openBench({ limits: { concurrency: 1 } });
  const { gateway, replicas } = bench;
  const [first] = replicas;
  gateway.upstreams.detach("s", "s-1-b");
  const load = (): number | undefined => gateway.guards.of("s")?.load.waiting;
  const ahead = bench.call();
  const seen = await first.call("tools/call");
  const going = new AbortController();
  const gone = assert.rejects(bench.peer.modern("tools/call", { name: "s__t" }, { signal: going.signal }));
  await until(() => load() === 1);
  going.abort();
  await gone;
  await until(() => load() === 0);
  const waiting = bench.call();
  await until(() => load() === 1);
  seen.result({ n: 1 });
  (await first.call("tools/call", 2)).result({ n: 2 });
  assert.deepEqual([(await ahead).body?.result?.["n"], (await waiting).body?.result?.["n"]], [1, 2]);
  assert.equal(gateway.guards.of("s")?.load.inFlight, 0);
});

test("a call that waits too long for its place is refused, and says what the limit is", async () => {
  await using bench = await openBench({ limits: { concurrency: 1 } });
  const { gateway, replicas } = bench;
  const ahead = bench.call();
  const seen = await replicas[0].call("tools/call");
  const waiting = bench.call();
  await until(() => gateway.guards.of("s")?.load.waiting === 1);
  await gateway.time.advance(2_100);
  const { status, body } = await waiting;
  assert.deepEqual([status, body?.error?.data?.["code"]], [503, "unavailable"]);
  assert.match(body?.error?.message ?? "", /limit of 1 calls in flight \(spec\.limits\.concurrency\)/);
  seen.result({});
  await ahead;
});

test("a rate that is used up is 429, with the time to wait", async () => {
  await using bench = await openBench({ limits: { rate: { perSecond: 1, burst: 1 } } });
  bench.replicas[0].script = { "tools/call": answers };
  assert.equal((await bench.call()).status, 200);
  const { status, headers, body } = await bench.call();
  assert.deepEqual([status, headers.get("retry-after")], [429, "1"]);
  assert.equal(body?.error?.data?.["code"], "resource_exhausted");
});

test("rules that change hold for the next call", async () => {
  await using bench = await openBench({ limits: { rate: { perSecond: 1, burst: 1 } } });
  bench.replicas[0].script = { "tools/call": answers };
  await bench.call();
  assert.equal((await bench.call()).status, 429);
  bench.gateway.register(serverResource("s", { limits: {} }));
  assert.equal((await bench.call()).status, 200);
});

test("a call to a server that sleeps wakes it and waits, and goes to the replica that comes", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.register(serverResource("s", {}, "idle"));
  let woken = 0;
  gateway.idle.add("s", { wake: () => void woken++ });
  const peer = new Peer(gateway.url);
  const answer = peer.modern("tools/call", { name: "s__t" });
  await until(() => woken === 1);
  gateway.attach("s", { script: { "tools/call": answers } });
  assert.equal((await answer).body?.result?.["n"], 1);
  assert.equal(gateway.guards.of("s")?.load.inFlight, 0);
});

test("a call that woke a server which cannot start ends with the cause", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.register(serverResource("s", {}, "idle"));
  const sleeper = { wake: () => undefined };
  gateway.idle.add("s", sleeper);
  const peer = new Peer(gateway.url);
  const answer = peer.modern("tools/call", { name: "s__t" });
  await until(() => gateway.guards.of("s")?.load.inFlight === 1);
  gateway.idle.remove("s", sleeper);
  gateway.register(serverResource("s", {}, "failed", "it exited with status 3"));
  const { status, body } = await answer;
  assert.equal(status, 503);
  assert.match(body?.error?.message ?? "", /exited with status 3/);
});

test("a call that waits for a server to wake ends when its time is up", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.register(serverResource("s", { limits: { callTimeout: "1s" } }, "idle"));
  gateway.idle.add("s", { wake: () => undefined });
  const answer = new Peer(gateway.url).modern("tools/call", { name: "s__t" });
  await until(() => gateway.guards.of("s")?.load.inFlight === 1);
  await gateway.time.advance(1_100);
  const { status, body } = await answer;
  assert.deepEqual([status, body?.error?.data?.["retryable"]], [504, true]);
  assert.equal(gateway.guards.of("s")?.load.inFlight, 0);
});

test("through REST a call has the same place, the same second attempt, and the same breaker", async () => {
  await using bench = await openBench();
  const { gateway, replicas } = bench;
  const ada = gateway.principal("ada", ["admin"]);
  replicas[1].script = { "tools/call": answers };
  const result = gateway.tools.call("s", "t", {}, ada);
  (await replicas[0].call("tools/call")).fail(lost, false);
  await gateway.time.advance(pauseMs);
  assert.equal((await result).toString(), '{"n":1}');
  gateway.guards.force("s", { state: "open", reason: "silence", by: "ops" });
  const refused = gateway.tools.call("s", "t", {}, ada);
  await assert.rejects(refused, (error) => error instanceof ManagerError && error.code === "circuit_open");
  assert.equal(gateway.guards.of("s")?.load.inFlight, 0);
});

/** Looks again at each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}
