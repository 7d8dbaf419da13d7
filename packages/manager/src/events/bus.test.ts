import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventTopic, PassingTopic } from "@mcp-manager/api";
import { isStoredTopic, topicsMatching } from "@mcp-manager/api";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { EventBus } from "./bus.ts";
import type { EventReader } from "./event-reader.ts";
import { type Said, sayPassing, sayStored } from "./testing/said.ts";

const at = "1970-01-01T00:00:00.000Z";

test("a passing event gets its time, a stored one has its own and its position", () => {
  const bus = new EventBus({ clock: new ManualClock(0) });
  const reader = bus.reader();
  bus.publish({ topic: "breaker.state", server: "weather", message: "open", severity: "warning" });
  sayStored(bus, 7n, ["server.state", "replica.state"]);
  assert.deepEqual(
    reader.read().items.map(({ event, position }) => [event.topic, event.at, event.revision, position]),
    [
      ["breaker.state", at, undefined, undefined],
      ["server.state", "2027-01-01T00:00:00Z", "7", undefined],
      ["replica.state", "2027-01-01T00:00:00Z", "7", "7"],
    ],
  );
});

test("a reader sees what is published after it came, under its topics alone", () => {
  const bus = new EventBus({ clock: new ManualClock() });
  sayStored(bus, 1n, ["server.state"]);
  const reader = bus.reader(topicsMatching(["server.*"]));
  sayStored(bus, 2n, ["server.failed", "replica.state"]);
  const { items } = reader.read();
  assert.deepEqual(
    items.map(({ event, position }) => [event.topic, position]),
    [["server.failed", "2"]],
    "the position stands on the last that it asked for",
  );
  assert.deepEqual(reader.read(), { items: [], missed: undefined });
  assert.equal(reader.place, 2n);
});

test("the ring is bounded by bytes too, and its floor rises with what it lets go", () => {
  const bus = new EventBus({ clock: new ManualClock(), bytesMax: 100_000 });
  bus.begin(10n);
  for (let revision = 11n; revision <= 40n; revision += 1n) sayStored(bus, revision, ["server.state"], 9_488);
  assert.equal(bus.bytes, 100_000);
  assert.equal(bus.floor, 30n);
  bus.publish({ topic: "overload.stage", message: "x".repeat(200_000), severity: "info" });
  assert.equal(bus.end - bus.oldest, 1, "one that is larger than all stands alone");
});

test("a reader that goes back is told again what is stored and kept, and nothing that passed", () => {
  const bus = new EventBus({ clock: new ManualClock() });
  const reader = bus.reader();
  sayStored(bus, 1n, ["server.state"]);
  sayPassing(bus, "breaker.state");
  sayStored(bus, 2n, ["server.state", "replica.state"]);
  sayStored(bus, 3n, ["server.state"]);
  const first = reader.read().items;
  assert.equal(first.length, 5);
  reader.goTo(1n);
  sayPassing(bus, "breaker.state");
  assert.deepEqual(
    reader.read().items.map(({ event, position }) => [event.topic, position]),
    [
      ["server.state", undefined],
      ["replica.state", "2"],
      ["server.state", "3"],
      ["breaker.state", undefined],
    ],
  );
  reader.goTo(2n);
  assert.deepEqual(
    reader.read().items.map(({ position }) => position),
    ["3"],
  );
});

/** One that reads at its own pace, and holds what it was told against what was said. */
class Checked {
  readonly #reader: EventReader;
  readonly #bus: EventBus;
  readonly #wants: ReadonlySet<EventTopic>;
  #at = 0;

  constructor(bus: EventBus, patterns: readonly string[]) {
    this.#bus = bus;
    this.#wants = topicsMatching(patterns);
    this.#reader = bus.reader(this.#wants);
  }

  /** Reads one batch; what it missed lies before what it reads next. */
  look(said: readonly Said[]): void {
    const { items, missed } = this.#reader.read();
    const wanted = said.filter(({ topic }) => this.#wants.has(topic));
    if (missed !== undefined) {
      const lost = wanted.slice(this.#at, this.#at + missed.passing + missed.stored);
      assert.equal(lost.filter(({ topic }) => isStoredTopic(topic)).length, missed.stored);
      assert.ok(lost.every(({ sequence }) => sequence < this.#bus.oldest));
      this.#at += lost.length;
      return;
    }
    for (const { event } of items) assert.equal(event.message, wanted[this.#at++]?.message);
  }

  end(said: readonly Said[]): void {
    for (let turn = 0; turn < 4; turn += 1) this.look(said);
    assert.equal(this.#at, said.filter(({ topic }) => this.#wants.has(topic)).length);
  }
}

test("what a reader read and what it missed are together all that it asked for, in order, however slow it is", () => {
  const topics: readonly EventTopic[] = ["server.state", "replica.state", "breaker.state", "metric.sample"];
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.subarray([...topics], { minLength: 1 }).map((some) => ({ publish: some })) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1).map((reader) => ({ read: reader })) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 8 }), (steps, capacity) => {
      const bus = new EventBus({ clock: new ManualClock(), capacity });
      const readers = [new Checked(bus, ["*"]), new Checked(bus, ["server.*", "breaker.*"])];
      const said: Said[] = [];
      for (const [index, each] of steps.entries()) {
        if ("read" in each) readers[each.read]?.look(said);
        else {
          const stored = each.publish.filter((topic) => isStoredTopic(topic));
          const passing = each.publish.filter((topic): topic is PassingTopic => !isStoredTopic(topic));
          said.push(...sayStored(bus, BigInt(index + 1), stored), ...passing.map((topic) => sayPassing(bus, topic)));
        }
      }
      for (const reader of readers) reader.end(said);
    }),
  );
});

test("a reader that waits is woken, and ends with what is left when it is disposed of", async () => {
  const bus = new EventBus({ clock: new ManualClock() });
  const reader = bus.reader();
  const seen: string[] = [];
  const done = (async () => {
    for await (const { items } of reader) seen.push(...items.map(({ event }) => event.message));
  })();
  const { message: first } = sayPassing(bus, "breaker.state");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(seen, [first]);
  const { message: second } = sayPassing(bus, "breaker.state");
  reader[Symbol.dispose]();
  sayPassing(bus, "breaker.state");
  await done;
  assert.deepEqual(seen.slice(0, 2), [first, second]);
});

test("the last events of one server are found, newest first, and no numbers among them", () => {
  const bus = new EventBus({ clock: new ManualClock(), capacity: 5 });
  for (const server of ["weather", "news", "weather", "news", "weather"])
    bus.publish({ topic: "breaker.state", server, message: String(bus.end), severity: "info" });
  bus.publish({ topic: "metric.sample", server: "weather", message: "10 calls", severity: "info" });
  assert.deepEqual(
    bus.recent("weather", 20).map(({ message }) => message),
    ["5", "3"],
  );
  assert.equal(bus.recent("news", 1)[0]?.message, "4");
  assert.deepEqual(bus.recent("unknown", 20), []);
});
