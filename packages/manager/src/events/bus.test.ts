import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { EventBus } from "./bus.ts";
import type { EventTopic, ManagerEvent } from "./event.ts";

const topics: readonly EventTopic[] = ["server.state", "replica.state", "breaker.state"];

function eventOf(topic: EventTopic, server = "weather"): ManagerEvent {
  return { topic, server, message: "it changed", severity: "info" };
}

test("an event gets its place and its time", () => {
  const bus = new EventBus({ clock: new ManualClock(0) });
  const reader = bus.reader(["*"]);
  bus.publish(eventOf("server.state"));
  bus.publish(eventOf("replica.state"));
  assert.deepEqual(
    reader.read().events.map(({ sequence, at, topic }) => ({ sequence, at, topic })),
    [
      { sequence: 1, at: "1970-01-01T00:00:00.000Z", topic: "server.state" },
      { sequence: 2, at: "1970-01-01T00:00:00.000Z", topic: "replica.state" },
    ],
  );
});

test("a reader sees what is published after it came, under its topics alone", () => {
  const bus = new EventBus({ clock: new ManualClock() });
  bus.publish(eventOf("server.state"));
  const reader = bus.reader(["server.*"]);
  bus.publish(eventOf("replica.state"));
  bus.publish(eventOf("server.state"));
  assert.deepEqual(
    reader.read().events.map(({ sequence }) => sequence),
    [3],
  );
  assert.deepEqual(reader.read(), { events: [], missed: 0 });
});

test("what a reader read and what it missed are together all that it asked for, in order, however slow it is", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...topics).map((topic) => ({ publish: topic })) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1).map((reader) => ({ read: reader })) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, capacity) => {
      const bus = new EventBus({ clock: new ManualClock(), capacity });
      const readers = [
        { patterns: ["*"], reader: bus.reader(["*"]) },
        { patterns: ["server.*", "breaker.*"], reader: bus.reader(["server.*", "breaker.*"]) },
      ].map((each) => ({ ...each, wanted: [] as number[], read: [] as number[], missed: 0 }));
      const look = (index: number): void => {
        const each = readers[index];
        if (each === undefined) return;
        const { events, missed } = each.reader.read();
        // What was missed lies before what was read now, and after what was read before.
        each.missed += missed;
        assert.deepEqual(
          events.map(({ sequence }) => sequence),
          each.wanted.slice(each.read.length + each.missed),
        );
        each.read.push(...events.map(({ sequence }) => sequence));
      };
      for (const [index, each] of steps.entries()) {
        if ("read" in each) {
          look(each.read);
          continue;
        }
        bus.publish(eventOf(each.publish));
        const sequence = steps.slice(0, index + 1).filter((before) => "publish" in before).length;
        readers[0]?.wanted.push(sequence);
        if (each.publish !== "replica.state") readers[1]?.wanted.push(sequence);
      }
      look(0);
      look(1);
      for (const { wanted, read, missed } of readers) assert.equal(read.length + missed, wanted.length);
    }),
  );
});

test("a reader that waits is woken, and ends with what is left when it is disposed of", async () => {
  const bus = new EventBus({ clock: new ManualClock() });
  const reader = bus.reader(["*"]);
  const seen: number[] = [];
  const done = (async () => {
    for await (const { events } of reader) seen.push(...events.map(({ sequence }) => sequence));
  })();
  bus.publish(eventOf("server.state"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(seen, [1]);
  bus.publish(eventOf("server.state"));
  reader[Symbol.dispose]();
  bus.publish(eventOf("server.state"));
  await done;
  assert.deepEqual(seen, [1, 2]);
});

test("the last events of one server are found, newest first", () => {
  const bus = new EventBus({ clock: new ManualClock(), capacity: 4 });
  for (const server of ["weather", "news", "weather", "news", "weather"]) bus.publish(eventOf("server.state", server));
  assert.deepEqual(
    bus.recent("weather", 20).map(({ sequence }) => sequence),
    [5, 3],
  );
  assert.deepEqual(
    bus.recent("news", 1).map(({ sequence }) => sequence),
    [4],
  );
  assert.deepEqual(bus.recent("unknown", 20), []);
});
