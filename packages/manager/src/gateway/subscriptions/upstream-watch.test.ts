/** What servers of either era are asked for as clients come and go, replicas are replaced and streams drop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import type { Era } from "../../protocol/era.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import { type Received, ScriptedConnection, type ScriptedOptions } from "../testing/scripted-connection.ts";
import { Interest } from "./subscription-interest.ts";
import { UpstreamWatch } from "./upstream-watch.ts";
import type { Refusal } from "./upstream-watch-replica.ts";

const listen = "subscriptions/listen";
const acknowledged = "notifications/subscriptions/acknowledged";
const client = {};

class Bench implements Disposable {
  readonly clock = new ManualClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly upstreams: UpstreamSet = new UpstreamSet();
  readonly heard: string[] = [];
  readonly gaps: string[] = [];
  readonly interest: Interest<object> = new Interest((...edge) => this.watch.changed(...edge));
  readonly watch: UpstreamWatch = new UpstreamWatch({
    upstreams: this.upstreams,
    clock: this.clock,
    wheel: this.wheel,
    random: seededRandom(1),
    onGap: (server) => this.gaps.push(server),
    urisOf: (server) => this.interest.urisOf(server),
  });

  constructor() {
    this.upstreams.onChange((change) => {
      if (change.kind === "notified") this.heard.push(change.method);
    });
  }

  attach(era: Era, options: ScriptedOptions = {}, name = "s-1-a"): ScriptedConnection {
    const capabilities = { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true } };
    const script = {
      "resources/subscribe": (call: Received) => call.result({}),
      "resources/unsubscribe": (call: Received) => call.result({}),
      [listen]: acknowledge,
    };
    const connection = new ScriptedConnection({ era, capabilities, script, ...options });
    this.upstreams.attach({ name, server: "s", revision: "s-1", connection });
    return connection;
  }

  want(uri: string): Promise<Refusal | undefined> {
    this.interest.add(client, "s", uri, uri);
    return this.watch.settled("s", uri);
  }

  unwant(uri: string): void {
    this.interest.remove(client, "s", uri);
  }

  [Symbol.dispose](): void {
    this.watch[Symbol.dispose]();
    this.wheel[Symbol.dispose]();
  }
}

function acknowledge(call: Received): void {
  call.notify(acknowledged, { notifications: call.message.params?.["notifications"] });
}

function asked(connection: ScriptedConnection): unknown[] {
  return connection.calls(listen).map((call) => call.message.params?.["notifications"]);
}

function open(connection: ScriptedConnection): number {
  return connection.calls(listen).filter((call) => call.cancelled === undefined).length;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const uriOf = (call: Received): unknown => call.message.params?.["uri"];

test("G16 a legacy server is told of the first interest and of the last, and of nothing between", async () => {
  using bench = new Bench();
  const server = bench.attach("legacy");
  const other = {};
  assert.equal(await bench.want("a:1"), undefined);
  bench.interest.add(other, "s", "a:1", "a:1");
  assert.equal(await bench.watch.settled("s", "a:1"), undefined);
  bench.unwant("a:1");
  assert.deepEqual([server.calls("resources/subscribe").length, server.calls("resources/unsubscribe").length], [1, 0]);
  bench.interest.removeClient(other);
  assert.deepEqual(server.calls("resources/unsubscribe").map(uriOf), ["a:1"]);
  assert.equal(server.calls(listen).length, 0);
});

test("one that changes its mind while a legacy server is being asked has the last word", async () => {
  using bench = new Bench();
  const server = bench.attach("legacy", { script: {} });
  const first = bench.want("a:1");
  bench.unwant("a:1");
  bench.interest.add(client, "s", "a:1", "a:1");
  bench.unwant("a:1");
  (await server.call("resources/subscribe")).result({});
  assert.equal(await first, undefined);
  const unsubscribe = await server.call("resources/unsubscribe");
  const second = bench.want("a:1");
  unsubscribe.result({});
  (await server.call("resources/subscribe", 2)).result({});
  assert.equal(await second, undefined);
  assert.equal(server.received.length, 3);
});

test("a legacy server's refusal is passed on in its own words, and it is asked again by the next who wants it", async () => {
  using bench = new Bench();
  const server = bench.attach("legacy", { script: { "resources/subscribe": (call) => call.error(-32002, "no such") } });
  const refusal = await bench.want("a:1");
  assert.ok(refusal?.kind === "response");
  assert.match(refusal.message.toString(), /"code":-32002,"message":"no such"/);
  assert.ok((await bench.watch.settled("s", "a:1")) !== undefined);
  assert.equal(server.calls("resources/subscribe").length, 2);
});

test("a server that takes no subscriptions is not asked", async () => {
  using bench = new Bench();
  const server = bench.attach("legacy", { capabilities: { resources: {} } });
  const modern = bench.attach("modern", { capabilities: { resources: {} } }, "s-1-b");
  const refusal = await bench.want("a:1");
  assert.ok(refusal?.kind === "response");
  assert.match(refusal.message.toString(), /-32601/);
  await bench.clock.advance(1_000);
  assert.deepEqual([server.received.length, modern.received.length], [0, 0]);
});

test("G10 a replica that just came is asked for all that is wanted, a few at a time", async () => {
  using bench = new Bench();
  for (let i = 0; i < 40; i++) void bench.want(`a:${i}`);
  const server = bench.attach("legacy", { script: {} });
  assert.equal(server.received.length, 16);
  for (let i = 0; i < 40; i++) {
    server.received[i]?.result({});
    await settle();
  }
  assert.equal(new Set(server.calls("resources/subscribe").map(uriOf)).size, 40);
});

test("a legacy replica that did not answer is asked again after a pause", async () => {
  using bench = new Bench();
  const server = bench.attach("legacy", { script: {} });
  const refused = bench.want("a:1");
  server.received[0]?.fail(new ManagerError("unavailable", "gone"));
  assert.equal((await refused)?.kind, "failure");
  await bench.clock.advance(1_000);
  assert.equal(server.calls("resources/subscribe").length, 2);
});

test("G9 a legacy server that forgot the session is told again of all it had taken, and its lists are looked at", async () => {
  using bench = new Bench();
  const server = bench.attach("legacy");
  const other = bench.attach("legacy", {}, "s-1-b");
  await Promise.all(["a:1", "a:2", "a:3"].map((uri) => bench.want(uri)));
  bench.unwant("a:3");
  await settle();
  const before = other.received.length;
  server.received.length = 0;
  server.onRenewed?.();
  await settle();
  assert.deepEqual(server.received.map(uriOf), ["a:1", "a:2"]);
  assert.deepEqual(bench.gaps, ["s"]);
  assert.equal(other.received.length, before);
  assert.equal(await bench.watch.settled("s", "a:1"), undefined);
});

test("a legacy server that forgets every session at once is not asked without end", async () => {
  using bench = new Bench();
  const server = bench.attach("legacy", { script: {} });
  const wants = ["a:1", "a:2", "a:3"].map((uri) => bench.want(uri));
  for (let turn = 0; turn < server.received.length && turn < 100; turn++) {
    server.onRenewed?.();
    server.received[turn]?.fail(new ManagerError("protocol_error", "HTTP 404"));
    await settle();
  }
  assert.equal(server.received.length, 3);
  assert.deepEqual(
    (await Promise.all(wants)).map((refusal) => refusal?.kind),
    ["failure", "failure", "failure"],
  );
});

test("without a ready replica it is said that there is none", async () => {
  using bench = new Bench();
  const refusal = await bench.want("a:1");
  assert.ok(refusal?.kind === "failure" && refusal.error.reason === "NO_READY_REPLICA");
});

test("G15 a modern replica is listened to from the start, for the lists that it tells of", () => {
  using bench = new Bench();
  const server = bench.attach("modern");
  assert.deepEqual(asked(server), [{ toolsListChanged: true }]);
  server.calls(listen)[0]?.notify("notifications/tools/list_changed", {});
  assert.deepEqual(bench.heard, ["notifications/tools/list_changed"]);
  const silent = bench.attach("modern", { capabilities: { tools: {} } }, "s-1-b");
  assert.equal(silent.received.length, 0);
});

test("G15 when the URIs change a new stream is acknowledged before the old one ends; a burst is one change", async () => {
  using bench = new Bench();
  const server = bench.attach("modern");
  const settled = Promise.all([bench.want("a:1"), bench.want("a:2")]);
  bench.want("a:3").catch(() => {});
  bench.unwant("a:3");
  server.script = {};
  assert.equal(server.calls(listen).length, 1);
  await bench.clock.advance(50);
  assert.deepEqual(asked(server)[1], { toolsListChanged: true, resourceSubscriptions: ["a:1", "a:2"] });
  const [before, after] = server.calls(listen);
  assert.equal(before?.cancelled, undefined);
  if (after !== undefined) acknowledge(after);
  assert.notEqual(before?.cancelled, undefined);
  assert.deepEqual(await settled, [undefined, undefined]);
  assert.equal(open(server), 1);
  bench.unwant("a:2");
  bench.interest.add(client, "s", "a:2", "a:2");
  await bench.clock.advance(60);
  assert.equal(server.calls(listen).length, 2, "what is wanted is what was asked for");
});

test("G15 what a modern server does not acknowledge is not taken, and not asked for again", async () => {
  using bench = new Bench();
  const server = bench.attach("modern", {
    script: { [listen]: (call) => call.notify(acknowledged, { notifications: {} }) },
  });
  const refused = bench.want("a:1");
  await bench.clock.advance(60);
  assert.match(String((await refused)?.kind), /response/);
  await bench.clock.advance(600_000);
  assert.deepEqual([server.calls(listen).length, open(server)], [2, 0]);
});

for (const [how, drop] of [
  ["drops", (call) => call.fail(new ManagerError("unavailable", "lost"))],
  ["is ended by its server", (call) => call.result({ resultType: "complete" })],
  ["is cancelled by its server", (call) => call.notify("notifications/cancelled", { requestId: 1 })],
] as [string, (call: Received) => void][]) {
  test(`G15 a stream that ${how} is opened again after a pause, and the lists are looked at for what was missed`, async () => {
    using bench = new Bench();
    const server = bench.attach("modern");
    void bench.want("a:1");
    await bench.clock.advance(60);
    const last = server.calls(listen).at(-1);
    assert.ok(last !== undefined);
    drop(last);
    assert.equal(server.calls(listen).length, 2);
    await bench.clock.advance(1_000);
    assert.deepEqual(asked(server)[2], { toolsListChanged: true, resourceSubscriptions: ["a:1"] });
    assert.equal(server.calls(listen).length, 3);
    assert.deepEqual(bench.gaps, ["s"]);
  });
}

test("a server that always drops, or never acknowledges, is asked less and less often", async () => {
  for (const script of [{ [listen]: (call: Received) => call.result({}) }, {}]) {
    using bench = new Bench();
    const server = bench.attach("modern", { script });
    await bench.clock.advance(600_000);
    assert.ok(server.calls(listen).length > 5 && server.calls(listen).length < 60, String(server.calls(listen).length));
    assert.ok(server.inFlight <= 1);
  }
});

test("whoever subscribes while a stream is down does not wait for the pause, and is told once it is open again", async () => {
  using bench = new Bench();
  const server = bench.attach("modern");
  const before = bench.want("a:1");
  server.calls(listen)[0]?.fail(new ManagerError("unavailable", "lost"));
  assert.equal(await before, undefined);
  assert.equal(await bench.want("a:2"), undefined);
  await bench.clock.advance(1_000);
  assert.deepEqual(asked(server)[1], { toolsListChanged: true, resourceSubscriptions: ["a:1", "a:2"] });
});

test("a modern server that does not know the method is left alone", async () => {
  using bench = new Bench();
  const server = bench.attach("modern", { script: { [listen]: (call) => call.error(-32601, "unknown") } });
  await bench.clock.advance(600_000);
  assert.equal(server.calls(listen).length, 1);
  assert.ok((await bench.want("a:1")) !== undefined);
});

test("a replica that leaves the rotation is listened to no more, before its calls are waited for", async () => {
  using bench = new Bench();
  const server = bench.attach("modern");
  server.script = {};
  const waiting = bench.want("a:1");
  await bench.clock.advance(60);
  bench.upstreams.detach("s", "s-1-a");
  assert.equal(server.inFlight, 0);
  assert.equal((await waiting)?.kind, "failure");
  const next = bench.attach("modern");
  assert.deepEqual(asked(next), [{ toolsListChanged: true, resourceSubscriptions: ["a:1"] }]);
  bench.watch[Symbol.dispose]();
  assert.equal(next.inFlight, 0);
  await bench.clock.advance(600_000);
  assert.equal(bench.clock.pendingCount, 0);
});
