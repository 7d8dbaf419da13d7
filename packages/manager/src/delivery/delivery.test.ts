import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { kinds } from "../registry/kinds.ts";
import { type Endpoint, openEndpoint, type Received, status } from "./testing/endpoint.ts";
import { passingEvent, storedEvent } from "./testing/events.ts";
import { type Bench, openBench, openWorld, until, type World } from "./testing/bench.ts";

const secret = "a secret of some length";

/** A webhook `ops` to an endpoint, and a stream that is read. */
async function begin(bench: Bench, world: World, endpoint: Endpoint): Promise<void> {
  await bench.hook({ url: endpoint.url, secret });
  await until("the stream is read", () => world.streams.readers === 1);
}

function idOf(received: Received | undefined): string {
  return String(received?.headers["webhook-id"]);
}

function messagesOf(endpoint: Endpoint): readonly string[] {
  return endpoint.received.map(({ body }) => (JSON.parse(body) as { message: string }).message);
}

function live(bench: Bench): NonNullable<ReturnType<Bench["delivery"]["live"]>> {
  const found = bench.delivery.live("ops");
  assert.ok(found);
  return found;
}

function messageCount(bench: Bench, outcome: string): number {
  const found = new RegExp(`mcp_manager_webhook_deliveries_total\\{webhook="ops",outcome="${outcome}"\\} (\\d+)`).exec(
    bench.metrics.text(),
  );
  return Number(found?.[1] ?? 0);
}

test("an event is sent as JSON with an id, a time and a signature over the three", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100));
  await endpoint.count(1);
  const [received] = endpoint.received;
  assert.ok(received);
  assert.deepEqual(JSON.parse(received.body), storedEvent(100));
  assert.equal(received.headers["content-type"], "application/json");
  const timestamp = String(received.headers["webhook-timestamp"]);
  assert.equal(timestamp, String(Math.floor(world.clock.wallMs() / 1000)));
  const digest = createHmac("sha256", secret)
    .update(`${idOf(received)}.${timestamp}.${received.body}`)
    .digest("base64");
  assert.equal(received.headers["webhook-signature"], `v1,${digest}`);
});

test("the position moves when everything up to it is delivered, and is written", async () => {
  await using world = await openWorld();
  const held: (() => void)[] = [];
  await using endpoint = await openEndpoint((response) => void held.push(() => response.writeHead(200).end()));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100), storedEvent(101), storedEvent(102));
  await endpoint.count(3);
  for (const answer of held.slice(1)) answer();
  await until("two are delivered", () => live(bench).pending === 1);
  assert.ok(Number(live(bench).position) < 100, "the oldest is not settled");
  held[0]?.();
  await until("all are delivered", () => live(bench).position === "102");
  await world.clock.advance(1_000);
  await until(
    "it is written",
    async () => (await bench.registry.resources(kinds.Webhook).require("ops")).status.position === "102",
  );
});

test("a failure is tried again under the same id until it is delivered, and the webhook fails meanwhile", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint(status(500));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100));
  await endpoint.count(1);
  await bench.passTime(21_000); // waits of up to 1, 4 and 16 s
  assert.ok(endpoint.received.length >= 4);
  assert.equal(live(bench).state, "failing");
  assert.equal(live(bench).lastFailure?.message, "the endpoint answered 500");
  endpoint.answer = status(204);
  await bench.passTime(320_000);
  assert.equal(live(bench).state, "active");
  assert.equal(messageCount(bench, "delivered"), 1);
  assert.equal(new Set(endpoint.received.map(idOf)).size, 1);
  assert.equal(new Set(endpoint.received.map(({ body }) => body)).size, 1);
  assert.equal(bench.buried.length, 0);
});

test("after six attempts it is a dead letter, and the others go on", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  endpoint.answer = (response, { body }) => response.writeHead(body.includes("change 100") ? 503 : 200).end();
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100), storedEvent(101));
  await endpoint.count(2);
  await bench.passTime(341_000);
  await until("it is dead", () => bench.buried.length === 1);
  const [letter] = bench.buried;
  assert.deepEqual(letter?.spec.source, { kind: "webhook", name: "ops" });
  assert.deepEqual(letter.spec.event, storedEvent(100));
  assert.deepEqual([letter.status.attempts, letter.status.lastStatus], [6, 503]);
  const sent = endpoint.received.filter(({ body }) => body.includes("change 100")).map(idOf);
  assert.deepEqual(sent, Array<string>(6).fill(letter.spec.deliveryId));
  await until("the position is past both", () => live(bench).position === "101");
  assert.equal((await bench.writes.get("ops"))?.status.deadLetters, 1);
});

test("what the endpoint calls wrong is tried three times, and what the guard refuses as well", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint(status(400));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100));
  await endpoint.count(1);
  await bench.passTime(5_000);
  await until("it is dead", () => bench.buried.length === 1);
  assert.deepEqual([bench.buried[0]?.status.attempts, bench.buried[0]?.status.lastStatus], [3, 400]);
  await bench.hook({ url: "https://inside.example/" });
  await until("the new queue reads", () => world.streams.opened.length === 2);
  world.streams.store(storedEvent(101));
  await until("it is refused", () => messageCount(bench, "refused") === 1);
  await bench.passTime(5_000);
  await until("it is dead too", () => bench.buried.length === 2);
  assert.match(bench.buried[1]?.status.lastError ?? "", /egress\.allow/);
});

test("Retry-After is waited for", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint(status(429, { "retry-after": "120" }));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100));
  await until("it failed", () => messageCount(bench, "failed") === 1);
  await bench.passTime(119_000);
  assert.equal(endpoint.received.length, 1);
  await bench.passTime(1_000);
  await endpoint.count(2);
});

test("an endpoint that is gone pauses its webhook until that is changed; what waited is sent then", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint(status(410));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100));
  const states = async (): Promise<string | undefined> =>
    (await bench.registry.resources(kinds.Webhook).get("ops"))?.status.state;
  await until("it is paused", () => live(bench).state === "paused");
  await world.clock.advance(1_000);
  await until("that is written", async () => (await states()) === "paused");
  world.streams.store(storedEvent(101));
  assert.equal(world.streams.readers, 0);
  assert.equal(bench.buried.length, 0);
  endpoint.answer = status(200);
  await bench.hook({ url: `${endpoint.url}/new` });
  await until("both are delivered", () => messageCount(bench, "delivered") === 2);
  assert.deepEqual(messagesOf(endpoint), ["change 100", "change 100", "change 101"]);
});

test("a restart in the middle delivers again what was under way, under the same id, and nothing that was delivered", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  endpoint.answer = (response, { body }) => {
    if ((JSON.parse(body) as { message: string }).message === "change 100") response.writeHead(200).end();
  };
  const first = await openBench(world);
  await begin(first, world, endpoint);
  world.streams.store(storedEvent(100), storedEvent(101));
  await endpoint.count(2);
  await until("the first is delivered", () => live(first).position === "100");
  await first[Symbol.asyncDispose]();
  world.streams.store(storedEvent(102));
  endpoint.answer = status(200);
  await using second = await openBench(world);
  await until("the rest is delivered", () => second.delivery.live("ops")?.position === "102");
  assert.deepEqual(messagesOf(endpoint).toSorted(), ["change 100", "change 101", "change 101", "change 102"]);
  const ids = endpoint.received.filter((_, index) => messagesOf(endpoint)[index] === "change 101").map(idOf);
  assert.equal(new Set(ids).size, 1);
});

test("at most eight are under way and a thousand are read ahead; the stream waits", async () => {
  await using world = await openWorld();
  const held: (() => void)[] = [];
  await using endpoint = await openEndpoint((response) => void held.push(() => response.writeHead(200).end()));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(...Array.from({ length: 1_100 }, (_, index) => storedEvent(1_000 + index)));
  await endpoint.count(8);
  await until("it is full", () => live(bench).pending === 1_000);
  assert.equal(endpoint.received.length, 8);
  endpoint.answer = status(200);
  for (const answer of held) answer();
  await until("all are delivered", () => live(bench).position === "2099");
  assert.equal(messageCount(bench, "delivered"), 1_100);
  assert.equal(new Set(endpoint.received.map(idOf)).size, 1_100);
});

test("while an endpoint fails its breaker spares it, and what became too old goes to the dead letters", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint(status(500));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(...Array.from({ length: 30 }, (_, index) => storedEvent(1_000 + index)));
  await bench.passTime(40 * 60_000);
  await until("all are dead", () => bench.buried.length === 30);
  assert.ok(endpoint.received.length < 90, `${endpoint.received.length} attempts instead of 180`);
  assert.equal(live(bench).pending, 0);
});

test("a dead letter's own event is sent to nobody, and passing events have ids of their own", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.pass({ kind: "event", event: { ...passingEvent("dead"), topic: "delivery.dead" } });
  world.streams.pass({ kind: "event", event: passingEvent("closed → open") });
  world.streams.pass({ kind: "event", event: passingEvent("closed → open") });
  await endpoint.count(2);
  assert.deepEqual(messagesOf(endpoint), ["closed → open", "closed → open"]);
  assert.notEqual(idOf(endpoint.received[0]), idOf(endpoint.received[1]));
});

test("missed events are counted, a lost place is said, and positions move without events", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.pass({ kind: "missed", count: 3 });
  world.streams.pass({ kind: "reset", reason: "compacted" });
  world.streams.pass({ kind: "synced", position: "500" });
  await until("the position moved", () => live(bench).position === "500");
  assert.match(bench.metrics.text(), /mcp_manager_webhook_missed_total\{webhook="ops"\} 3/);
  assert.match(bench.lines.join(""), /away for longer than the store remembers/);
  await world.clock.advance(300_000);
  await until(
    "it is written",
    async () => (await bench.registry.resources(kinds.Webhook).require("ops")).status.position === "500",
  );
});

test("a new webhook hears of what comes after it was made; a disabled one of nothing, until it is enabled", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  const { metadata } = await bench.registry.resources(kinds.Webhook).require("ops");
  assert.equal(world.streams.opened[0]?.after, metadata.revision);
  assert.deepEqual(world.streams.opened[0].topics, ["#"]);
  await bench.hook({ url: endpoint.url, enabled: false });
  await until("nobody reads", () => world.streams.readers === 0);
  await until("it says so", async () => (await bench.writes.get("ops"))?.status.state === "paused");
  await bench.hook({ url: endpoint.url, enabled: true });
  await until("it is read again", () => world.streams.readers === 1);
  await bench.writes.delete("ops", undefined);
  await until("nobody reads", () => world.streams.readers === 0);
  assert.equal(await bench.writes.get("ops"), undefined);
});

test("nothing is given up before it is kept: while the store is away the position stays", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint(status(400));
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  const add = bench.deadLetters.add.bind(bench.deadLetters);
  let refusals = 0;
  bench.deadLetters.add = () => Promise.reject(new Error(`away ${(refusals += 1)}`));
  world.streams.store(storedEvent(100));
  await endpoint.count(1);
  await bench.passTime(11_000); // three attempts, and two tries to keep it
  await until("it was tried", () => refusals >= 2);
  assert.ok(Number(live(bench).position) < 100);
  assert.match(bench.lines.join(""), /a dead letter cannot be kept: away 1/);
  bench.deadLetters.add = add;
  await bench.passTime(5_000);
  await until("it is kept", () => live(bench).position === "100");
  assert.equal(bench.buried.length, 1);
  assert.equal(endpoint.received.length, 3);
});

test("a stream that breaks off is opened again where everything was delivered", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint();
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100));
  await until("it is delivered", () => live(bench).position === "100");
  world.streams.breakOff("the store is away");
  await until("nobody reads", () => world.streams.readers === 0);
  world.streams.store(storedEvent(101));
  await until("it waits", () => bench.lines.join("").includes("broke off: the store is away"));
  await bench.passTime(5_000);
  await until("the rest is delivered", () => live(bench).position === "101");
  assert.equal(world.streams.opened.at(-1)?.after, "100");
  assert.deepEqual(messagesOf(endpoint), ["change 100", "change 101"]);
});

test("what was answered while the endpoint said that it is gone does not make its webhook active again", async () => {
  await using world = await openWorld();
  const held: (() => void)[] = [];
  await using endpoint = await openEndpoint((response, { body }) => {
    const isFirst = (JSON.parse(body) as { message: string }).message === "change 100";
    if (isFirst) held.push(() => response.writeHead(410).end());
    else response.writeHead(200).write("and more");
  });
  await using bench = await openBench(world);
  await begin(bench, world, endpoint);
  world.streams.store(storedEvent(100), storedEvent(101));
  await endpoint.count(2);
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  held[0]?.();
  await until("both attempts are over", () => world.streams.readers === 0 && live(bench).pending === 1);
  assert.equal(live(bench).state, "paused");
});

test("closed in the middle, it leaves no timer behind", async () => {
  await using world = await openWorld();
  const before = world.clock.pendingCount;
  await using endpoint = await openEndpoint(() => undefined);
  const bench = await openBench(world);
  await begin(bench, world, endpoint);
  await world.clock.advance(1_000);
  world.streams.store(storedEvent(100));
  await endpoint.count(1);
  await bench[Symbol.asyncDispose]();
  assert.equal(world.clock.pendingCount, before);
});
