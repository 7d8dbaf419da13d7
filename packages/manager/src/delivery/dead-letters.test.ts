import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { serverDefaults } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import { DeadLetters, type DeadDelivery } from "./dead-letters.ts";
import { openBench, openWorld, until } from "./testing/bench.ts";
import { openEndpoint, status } from "./testing/endpoint.ts";
import { passingEvent, storedEvent } from "./testing/events.ts";

const firstAttemptAt = "2027-01-01T00:00:00.000Z";

function dead(number: number, name = "ops", more: Partial<DeadDelivery> = {}): DeadDelivery {
  return {
    source: { kind: "webhook", name },
    deliveryId: `msg_${number}`,
    event: storedEvent(number),
    firstAttemptAt,
    attempts: 6,
    lastError: "the endpoint answered 500",
    lastStatus: 500,
    ...more,
  };
}

test("names sort by age, also of those that come in the same millisecond and after a restart", async () => {
  await using world = await openWorld();
  await using first = await openBench(world);
  for (const number of [1, 2, 3]) await first.deadLetters.add(dead(number));
  await world.clock.advance(1);
  await using second = await openBench(world);
  await second.deadLetters.add(dead(4));
  const names = second.deadLetters.names();
  assert.deepEqual(names, names.toSorted().toReversed());
  const letters = await Promise.all(names.map((name) => second.deadLetters.get(name)));
  assert.deepEqual(
    letters.map((letter) => letter?.spec.deliveryId),
    ["msg_4", "msg_3", "msg_2", "msg_1"],
  );
  assert.ok(names.every((name) => /^dl-[a-z0-9]{8}$/.test(name)));
});

test("full, the oldest gives way and is counted", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world, { deadLettersMax: 3 });
  for (const number of [1, 2, 3, 4, 5]) await bench.deadLetters.add(dead(number));
  assert.equal(bench.deadLetters.size, 3);
  assert.match(bench.metrics.text(), /mcp_manager_dead_letters_dropped_total 2/);
  assert.match(bench.metrics.text(), /mcp_manager_dead_letters 3/);
  const [oldest = ""] = bench.deadLetters.names().slice(-1);
  assert.equal((await bench.deadLetters.get(oldest))?.spec.deliveryId, "msg_3");
});

test("a delivery that is given up twice, since a crash came between, is there once", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  await bench.deadLetters.add(dead(1));
  await bench.deadLetters.add(dead(1));
  const [name = "", ...others] = bench.deadLetters.names();
  assert.deepEqual(others, []);
  assert.equal((await bench.deadLetters.get(name))?.status.attempts, 12);
});

test("an event too large to keep whole goes without its server", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  const env = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`V${index}`, "x".repeat(3_000)]));
  const spec = { ...serverDefaults, source: { kind: "process", command: "x", args: [], env } } as const;
  const server = await bench.registry
    .resources(kinds.Server)
    .create({ name: "small", spec: { ...spec, source: { ...spec.source, env: {} } } });
  const resource = { ...server, spec };
  await bench.deadLetters.add(dead(1, "ops", { event: { ...storedEvent(1), resource } }));
  const [name = ""] = bench.deadLetters.names();
  assert.deepEqual((await bench.deadLetters.get(name))?.spec.event, storedEvent(1));
});

test("what is kept in the store is not held in memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await using world = await openWorld();
  await using bench = await openBench(world);
  const ignore = (): void => undefined;
  const parts = { registry: bench.registry, clock: world.clock, onAdded: ignore, onDropped: ignore };
  const letters = new DeadLetters(parts);
  const added = async (): Promise<WeakRef<object>> => {
    const event = storedEvent(1);
    await letters.add(dead(1, "ops", { event }));
    return new WeakRef(event);
  };
  const event = await added();
  await until("it is let go of", () => {
    collect();
    return event.deref() === undefined;
  });
  assert.equal(letters.count("ops"), 1);
});

test("all or those of one webhook are purged", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  for (let number = 0; number < 120; number += 1)
    await bench.deadLetters.add(dead(number, number % 2 === 0 ? "ops" : "other"));
  assert.equal(await bench.deadLetters.purge("ops"), 60);
  assert.equal(bench.deadLetters.size, 60);
  assert.equal(await bench.deadLetters.purge(), 60);
  const fresh = new DeadLetters({
    registry: bench.registry,
    clock: world.clock,
    onAdded: () => undefined,
    onDropped: () => undefined,
  });
  await fresh.start();
  assert.equal(fresh.size, 0);
});

test("a replayed one is sent under its own id and gone; one that fails again stays and says why", async () => {
  await using world = await openWorld();
  await using endpoint = await openEndpoint(status(500));
  await using bench = await openBench(world);
  await bench.hook({ url: endpoint.url, secret: "a secret of some length" });
  await bench.deadLetters.add(dead(1));
  const [name = ""] = bench.deadLetters.names();
  await assert.rejects(bench.replays.one(name), { code: "unavailable", message: /stays: the endpoint answered 500/ });
  assert.equal((await bench.deadLetters.get(name))?.status.attempts, 7);
  endpoint.answer = status(200);
  assert.equal((await bench.replays.one(name))?.metadata.name, name);
  assert.equal(endpoint.received.at(-1)?.headers["webhook-id"], "msg_1");
  assert.equal(bench.deadLetters.size, 0);
  assert.equal(await bench.replays.one(name), undefined);
});

test("one that is being tried is not tried twice, and one whose webhook is gone not at all", async () => {
  await using world = await openWorld();
  const held: (() => void)[] = [];
  await using endpoint = await openEndpoint((response) => void held.push(() => response.writeHead(200).end()));
  await using bench = await openBench(world);
  await bench.hook({ url: endpoint.url, secret: "a secret of some length" });
  await bench.deadLetters.add(dead(1));
  await bench.deadLetters.add(dead(2, "gone"));
  const [gone = "", name = ""] = bench.deadLetters.names();
  const replaying = bench.replays.one(name);
  await endpoint.count(1);
  await assert.rejects(bench.replays.one(name), { code: "failed_precondition", message: /being tried/ });
  await assert.rejects(bench.replays.one(gone), {
    code: "failed_precondition",
    message: /webhook gone does not exist/,
  });
  held[0]?.();
  await replaying;
});

test("many are replayed eight at a time, the oldest first; the end of the manager leaves the rest", async () => {
  await using world = await openWorld();
  const held: (() => void)[] = [];
  await using endpoint = await openEndpoint((response) => void held.push(() => response.writeHead(200).end()));
  await using bench = await openBench(world);
  await bench.hook({ url: endpoint.url, secret: "a secret of some length" });
  for (let number = 1; number <= 20; number += 1) await bench.deadLetters.add(dead(number));
  assert.equal(bench.replays.all("ops"), 20);
  assert.equal(bench.replays.all(), 0, "all are being tried");
  await endpoint.count(8);
  const ids = endpoint.received.map(({ headers }) => String(headers["webhook-id"]));
  assert.deepEqual(new Set(ids), new Set(Array.from({ length: 8 }, (_, index) => `msg_${index + 1}`)));
  for (const answer of held) answer();
  await until("eight are gone", () => bench.deadLetters.size === 12);
  await bench.replays[Symbol.asyncDispose]();
  assert.equal(bench.deadLetters.size, 12);
});

test("a handler that throws makes a dead letter, hears of the next, and of the first again when it is replayed", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  const heard: string[] = [];
  let isBroken = true;
  bench.handlers.handle("tickets", ["server.*"], ({ message }) => {
    heard.push(message);
    if (isBroken) throw new Error("the ticket system is away");
  });
  await until("it listens", () => world.streams.readers === 1);
  assert.deepEqual(world.streams.opened[0]?.topics, ["server.*"]);
  world.streams.pass({ kind: "event", event: passingEvent("one") });
  await until("it is dead", () => bench.buried.length === 1);
  const [letter] = bench.buried;
  assert.deepEqual(letter?.spec.source, { kind: "handler", name: "tickets" });
  assert.equal(letter.status.lastError, "the ticket system is away");
  await assert.rejects(bench.replays.one(letter.metadata.name), { code: "unavailable" });
  isBroken = false;
  world.streams.pass({ kind: "event", event: passingEvent("two") });
  await until("the next is heard", () => heard.includes("two"));
  await bench.replays.one(letter.metadata.name);
  assert.deepEqual(heard, ["one", "one", "two", "one"]);
  assert.equal(bench.deadLetters.size, 0);
});

test("a handler whose stream broke off goes on where it was", async () => {
  await using world = await openWorld();
  await using bench = await openBench(world);
  const heard: string[] = [];
  bench.handlers.handle("tickets", ["server.*"], ({ message }) => void heard.push(message));
  await until("it listens", () => world.streams.readers === 1);
  world.streams.store(storedEvent(1_000_001));
  await until("the first is heard", () => heard.length === 1);
  world.streams.breakOff("the store is away");
  await until("nobody reads", () => world.streams.readers === 0);
  world.streams.store(storedEvent(1_000_002));
  await bench.passTime(2_000);
  await until("the next is heard", () => heard.length === 2);
  assert.deepEqual(heard, ["change 1000001", "change 1000002"]);
  assert.deepEqual(
    world.streams.opened.map(({ after }) => after),
    [undefined, "1000001"],
  );
});
