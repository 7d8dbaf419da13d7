import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { StreamItem } from "@mcp-manager/api";
import fc from "fast-check";
import { seededRandom } from "../base/random.ts";
import { Registry } from "../registry/registry.ts";
import { BusStreams } from "./bus-streams.ts";
import { openStreamWorld, type StreamWorld } from "./testing/stream-world.ts";

test("a stream begins now, with a position to go on from, and each stored event has its own", async () => {
  await using world = await openStreamWorld();
  const first = await world.change();
  await world.settled();
  const hand = world.open();
  assert.deepEqual(await hand.read(), [`synced @${first}`]);
  const second = await world.change();
  await world.settled();
  world.say("open");
  assert.deepEqual(await hand.read(), [`server.state weather ${second} @${second}`, "open"]);
  hand.leave();
  assert.deepEqual(await hand.read(), ["end"]);
});

test("who comes back is told exactly what is stored after its position, out of the ring and out of the store", async () => {
  for (const capacity of [1_000, 4]) {
    await using world = await openStreamWorld({ capacity });
    const positions: string[] = [];
    for (let count = 0; count < 12; count += 1) positions.push(await world.change());
    await world.settled();
    world.say("before it came");
    const hand = world.open({ after: positions[3] ?? "" });
    const told = positions.slice(4).map((at) => `server.state weather ${at} @${at}`);
    assert.deepEqual(await hand.read(), told);
    world.say("after");
    const next = await world.change();
    assert.deepEqual(await hand.read(), ["after", `server.state weather ${next} @${next}`]);
    hand.leave();
  }
});

test("a slow reader loses nothing that is stored, and hears how many others it missed", async () => {
  await using world = await openStreamWorld({ capacity: 4 });
  const hand = world.open();
  assert.equal((await hand.read()).length, 1);
  const positions: string[] = [];
  for (let count = 0; count < 10; count += 1) {
    positions.push(await world.change());
    world.say(`said ${count}`);
  }
  await world.settled();
  const told = await hand.read();
  assert.deepEqual(
    told.filter((line) => line.startsWith("server.")).map((line) => line.replace(/.*@/, "")),
    positions,
  );
  const missed = told.flatMap((line) => /^missed (\d+)$/.exec(line)?.[1] ?? []).reduce((sum, n) => sum + Number(n), 0);
  assert.equal(missed + told.filter((line) => line.startsWith("said")).length, 10);
});

test("who has a position that the store has forgotten is told so, and shown what there is", async () => {
  await using world = await openStreamWorld({ capacity: 1 });
  const first = await world.change("news");
  for (let count = 0; count < 5; count += 1) await world.change("weather");
  await world.store.compact((await world.store.status()).revision);
  await world.settled();
  const { revision } = await world.store.status();
  const hand = world.open({ after: first });
  const what = ["snapshot news pending", "snapshot weather idle", `synced @${revision}`];
  assert.deepEqual(await hand.read(), ["reset compacted", ...what]);
  const next = await world.change("news");
  assert.deepEqual(await hand.read(), [`server.state news ${next} @${next}`]);
  const future = world.open({ after: "999999" });
  assert.deepEqual((await future.read()).slice(0, 1), ["reset unknown-position"]);
});

test("a snapshot comes first where it is asked for, and then what is stored after it", async () => {
  await using world = await openStreamWorld();
  const at = await world.change();
  await world.settled();
  const hand = world.open({ snapshot: true });
  assert.deepEqual(await hand.read(), ["snapshot weather pending", `synced @${at}`]);
  const next = await world.change();
  assert.deepEqual(await hand.read(), [`server.state weather ${next} @${next}`]);
});

test("positions move where nothing that was asked for happens", async () => {
  await using world = await openStreamWorld();
  const hand = world.open({ topics: ["deployment.*"] });
  await hand.read();
  const at = await world.change();
  await world.settled();
  assert.deepEqual(await hand.read(), []);
  await world.clock.advance(15_000);
  assert.deepEqual(await hand.read(), [`synced @${at}`]);
  await world.clock.advance(15_000);
  assert.deepEqual(await hand.read(), [], "what it has is no news");
});

test("servers are shown as the reader may see them, made once for all who see the same", async () => {
  await using world = await openStreamWorld();
  const signal = new AbortController().signal;
  const read = async (items: AsyncIterator<StreamItem>): Promise<unknown> => {
    const { value } = await items.next();
    return value.kind === "event" ? value.event : undefined;
  };
  const readers = [1, 2].map(() => world.streams.open({ topics: ["server.*"], signal })[Symbol.asyncIterator]());
  await Promise.all(readers.map((items) => items.next()));
  await world.change();
  const [one, other] = await Promise.all(readers.map(read));
  assert.deepEqual((one as { resource?: { metadata: { labels: unknown } } }).resource?.metadata.labels, { seen: "by" });
  assert.equal(one, other);
});

test("what cannot be read is refused, and so are too many, and all once the manager ends", async () => {
  await using world = await openStreamWorld({ streamsMax: 2 });
  assert.throws(() => world.open({ topics: ["servers.*"] }), { code: "invalid_argument" });
  for (const after of ["", "x", "-1", "01", "1.5", "9".repeat(20)])
    assert.throws(() => world.open({ after }), { code: "invalid_argument" }, after);
  const hands = [world.open(), world.open()];
  for (const hand of hands) await hand.read();
  assert.throws(() => world.open(), { code: "resource_exhausted" });
  hands[0]?.leave();
  await hands[0]?.read();
  const third = world.open();
  await third.read();
  world.streams[Symbol.dispose]();
  assert.deepEqual(await third.read(), ["end"]);
  assert.throws(() => world.open(), { code: "unavailable" });
});

test("what comes while catching up ends is not lost, however small the ring", async () => {
  await using world = await openStreamWorld({ capacity: 4 });
  const positions: string[] = [];
  const change = async (): Promise<void> => void positions.push(await world.change());
  for (let count = 0; count < 12; count += 1) await change();
  await world.settled();
  const registry = new Registry({ store: world.store, clock: world.clock, random: seededRandom(4) });
  let ended = 0;
  const streams = new BusStreams({
    bus: world.bus,
    clock: world.clock,
    leastView: (server) => server,
    registry: {
      changes(followed) {
        const feed = registry.changes(followed);
        const follow = feed.follow.bind(feed);
        feed.follow = async function* late(signal) {
          try {
            yield* follow(signal);
          } finally {
            ended += 1;
            if (ended === 1) for (let count = 0; count < 3; count += 1) await change();
            await world.settled();
          }
        };
        return feed;
      },
    },
  });
  const stop = new AbortController();
  const told: (string | undefined)[] = [];
  for await (const item of streams.open({ topics: ["*"], after: positions[0] ?? "", signal: stop.signal })) {
    if (item.kind === "event") told.push(item.position);
    if (told.length === 14) break;
  }
  assert.deepEqual(told, positions.slice(1));
});

test("who takes nothing for a minute while it catches up lets others go on, and loses nothing", async () => {
  await using world = await openStreamWorld({ capacity: 1 });
  const positions: string[] = [];
  for (const server of ["weather", "news", "weather", "news"]) positions.push(await world.change(server));
  await world.settled();
  const slow = Array.from({ length: 8 }, () => world.open({ after: "1" }));
  for (const hand of slow) assert.match((await hand.read(1)).join(), /registered weather/);
  const late = world.open({ after: "1" });
  assert.deepEqual(await late.read(), []);
  await world.clock.advance(59_000);
  assert.deepEqual(await late.read(), []);
  await world.clock.advance(1_000);
  assert.equal((await late.read()).length, 4);
  for (const hand of slow) {
    const told = (await hand.read()).filter((line) => line.startsWith("server."));
    assert.deepEqual(
      told.map((line) => line.replace(/.*@/, "")),
      positions.slice(1),
    );
  }
});

test("who takes nothing for a minute of what there is, where a stream begins with that, is ended", async () => {
  await using world = await openStreamWorld();
  for (const server of ["weather", "news"]) await world.change(server);
  const slow = Array.from({ length: 8 }, () => world.open({ snapshot: true }));
  for (const hand of slow) assert.equal((await hand.read(1)).length, 1);
  const late = world.open({ snapshot: true });
  assert.deepEqual(await late.read(), []);
  await world.clock.advance(60_000);
  assert.equal((await late.read()).length, 3);
  for (const hand of slow) assert.deepEqual(await hand.read(), ["end"]);
});

test("streams that are opened together are no more than may be open", async () => {
  await using world = await openStreamWorld({ streamsMax: 2 });
  const { signal } = new AbortController();
  const opened = [1, 2, 3].map(() => world.streams.open({ topics: ["*"], signal })[Symbol.asyncIterator]());
  const begun = await Promise.allSettled(opened.map((items) => items.next()));
  assert.deepEqual(
    begun.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected"],
  );
});

test("a stream whose reader has gone is over, also where nobody takes what it gave last", async () => {
  await using world = await openStreamWorld({ streamsMax: 1 });
  const stop = new AbortController();
  const items = world.streams.open({ topics: ["*"], signal: stop.signal })[Symbol.asyncIterator]();
  await items.next();
  await world.change();
  await world.settled();
  await items.next();
  assert.throws(() => world.open(), { code: "resource_exhausted" });
  stop.abort();
  await setImmediate();
  assert.equal((await world.open().read()).length, 1);
});

/** One reader that comes and goes, with all it was told of what is stored. */
class Wanderer {
  readonly told: string[] = [];
  readonly #world: StreamWorld;
  #hand: ReturnType<StreamWorld["open"]> | undefined;
  #position = "1";

  constructor(world: StreamWorld) {
    this.#world = world;
  }

  async read(atMost: number): Promise<void> {
    this.#hand ??= this.#world.open({ after: this.#position });
    for (const line of await this.#hand.read(atMost)) {
      const [, position] = /@(\d+)$/.exec(line) ?? [];
      if (position !== undefined) this.#position = position;
      if (line.startsWith("server.")) this.told.push(line);
    }
  }

  /** What was told of a revision that is not complete is told again. */
  leave(): void {
    this.#hand?.leave();
    this.#hand = undefined;
  }
}

test("however a reader comes, goes and dawdles, it is told every stored event once and in order", async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("weather", "news").map((change) => ({ change })) },
    { weight: 1, arbitrary: fc.constant({ say: true }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }).map((read) => ({ read })) },
    { weight: 1, arbitrary: fc.constant({ leave: true }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), async (steps, capacity) => {
      await using world = await openStreamWorld({ capacity });
      const reader = new Wanderer(world);
      const written: string[] = [];
      for (const one of steps) {
        if ("change" in one) written.push(await world.change(one.change));
        else if ("read" in one) await reader.read(one.read);
        else if ("say" in one) world.say("something");
        else reader.leave();
      }
      await world.settled();
      await reader.read(Number.POSITIVE_INFINITY);
      assert.deepEqual(
        reader.told.map((line) => line.replace(/.*@/, "")),
        written,
      );
    }),
    { numRuns: 60 },
  );
});
