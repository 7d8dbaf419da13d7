/** What a lease pool keeps ready, replaces, and takes back: spares, connections ahead, worn ones, and a principal's share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../base/clock.ts";
import { LeasePool, type LeasePoolOptions } from "./lease-pool.ts";
import type { Lease, Spares } from "./leases.ts";
import { Openings, profileNamed } from "./testing/openings.ts";

/** Spares that are ready as soon as there is room for them. */
class ReadySpares implements Spares {
  readonly wanted: number;
  count = 0;

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  fill(room: number): void {
    this.count = Math.min(this.wanted, room);
  }
}

class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly openings = new Openings();
  readonly closed: string[] = [];
  readonly pool: LeasePool;
  max: number;

  constructor(max: number, options: Partial<LeasePoolOptions> = {}) {
    this.max = max;
    this.pool = new LeasePool({
      server: "weather",
      open: this.openings.open,
      clock: this.clock,
      idleMs: 60_000,
      onLease: (event) => void (event.kind === "closed" && this.closed.push(event.reason)),
      ...options,
      max: () => this.max,
    });
  }

  take(principal: string, profile = "asks"): Lease | Promise<Lease> {
    const lease = this.pool.take({ profile: profileNamed(profile), principal, waitMs: 5_000 });
    if (lease instanceof Promise) lease.catch(() => undefined);
    return lease;
  }

  /** A lease, on a connection that is opened for it if need be. */
  async have(principal: string, profile = "asks"): Promise<Lease> {
    const lease = this.take(principal, profile);
    this.openings.in("opening").at(-1)?.succeed();
    return await lease;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close(0);
    assert.equal(this.clock.pendingCount, 0);
    assert.deepEqual(this.openings.in("opening", "open", "closing"), []);
  }
}

/** Lets what was opened or closed settle. */
async function settle(): Promise<void> {
  await setImmediate();
}

test("a connection that was lent often enough is replaced between two calls", async () => {
  await using bench = new Bench(2, { usesMax: 2 });
  const first = await bench.have("ann");
  first.release(true);
  (await bench.have("ann")).release(true);
  await settle();
  assert.deepEqual(bench.closed, ["recycled"]);
  assert.notEqual((await bench.have("ann")).connection, first.connection);
});

test("a connection that is old is replaced, but never under a call", async () => {
  await using bench = new Bench(2, { ageMaxMs: 10_000 });
  const first = await bench.have("ann");
  await bench.clock.advance(20_000);
  assert.equal(bench.openings.all[0]?.state, "open");
  first.release(true);
  await settle();
  assert.deepEqual(bench.closed, ["recycled"]);
});

test("a bound that is lowered holds as soon as connections are given back", async () => {
  await using bench = new Bench(2);
  const leases = [await bench.have("ann"), await bench.have("ben")];
  bench.max = 1;
  for (const lease of leases) lease.release(true);
  await settle();
  assert.deepEqual(bench.closed, ["room"]);
  assert.equal(bench.pool.open, 1);
});

test("while a profile is in use one connection of it is open ahead for the next client, and goes when nobody comes", async () => {
  await using bench = new Bench(3, { aheadMax: 1 });
  const first = await bench.have("ann");
  assert.equal(bench.openings.all.length, 2, "one more is opened while the first is lent");
  bench.openings.all[1]?.succeed();
  await settle();
  assert.deepEqual([bench.pool.open, bench.pool.spare], [2, 1]);
  const second = bench.take("ben");
  assert.ok(!(second instanceof Promise), "it has to wait");
  bench.openings.all[2]?.succeed();
  await settle();
  first.release(true);
  second.release(true);
  await bench.clock.advance(60_000);
  assert.equal(bench.pool.open, 1, "the last one of the profile stays");
  await bench.clock.advance(540_000);
  assert.equal(bench.pool.open, 0);
});

test("another profile takes the place of what was open ahead", async () => {
  await using bench = new Bench(2, { aheadMax: 1 });
  await bench.have("ann", "a");
  bench.openings.all[1]?.succeed();
  await settle();
  const other = bench.take("ben", "b");
  await settle();
  bench.openings.in("opening")[0]?.succeed();
  await other;
  assert.deepEqual(bench.closed, ["room"]);
});

test("spares have the places that connections leave, and count as what is ready", async () => {
  const spares = new ReadySpares(2);
  await using bench = new Bench(3, { spares });
  assert.deepEqual([spares.count, bench.pool.spare], [2, 2]);
  const leases = [await bench.have("ann"), await bench.have("ben")];
  assert.equal(spares.count, 1);
  leases.push(await bench.have("cat"));
  assert.equal(spares.count, 0);
  leases[0]?.release(false);
  await settle();
  assert.equal(spares.count, 1);
});

test("a principal with its share of the places stands back for others while there are too few", async () => {
  await using bench = new Bench(4);
  const leases: Lease[] = [];
  for (let i = 0; i < 4; i++) leases.push(await bench.have("ann"));
  const served: string[] = [];
  for (const principal of ["ann", "ann", "ben", "cat"])
    void Promise.resolve(bench.take(principal)).then(
      () => served.push(principal),
      () => undefined,
    );
  for (const lease of leases) {
    lease.release(false);
    await settle();
    bench.openings.in("opening")[0]?.succeed();
    await settle();
  }
  assert.deepEqual(served, ["ben", "cat", "ann", "ann"]);
});

test("one principal alone may have every place", async () => {
  await using bench = new Bench(4);
  for (let i = 0; i < 4; i++) await bench.have("ann");
  assert.equal(bench.pool.inUse, 4);
});

test("who has more than its share gives up the call that waited longest for its client, when another principal waits", async () => {
  await using bench = new Bench(4);
  const gaveWay: number[] = [];
  const leases: Lease[] = [];
  for (let at = 0; at < 4; at++) {
    const lease = await bench.have(at === 3 ? "ben" : "ann");
    leases.push(lease);
    lease.waitingForClient = {
      sinceMs: 10 - at,
      giveUp() {
        gaveWay.push(at);
        lease.release(false);
      },
    };
  }
  const third = leases[2];
  assert.ok(third);
  // Its client has answered.
  third.waitingForClient = undefined;
  void bench.take("ann");
  assert.deepEqual(gaveWay, [], "she is one of those who wait herself");
  const lease = bench.take("cat");
  assert.deepEqual(gaveWay, [1]);
  await settle();
  bench.openings.in("opening")[0]?.succeed();
  await lease;
  void bench.take("dan");
  assert.deepEqual(gaveWay, [1, 0]);
  await settle();
  void bench.take("eve");
  assert.deepEqual(gaveWay, [1, 0], "one place is no more than anybody's share");
});

test("one that rests for a while gives way to a spare, which fits every client", async () => {
  const spares = new ReadySpares(1);
  await using bench = new Bench(3, { spares });
  const leases = [await bench.have("ann", "a"), await bench.have("ann", "b"), await bench.have("ann", "c")];
  for (const lease of leases) {
    await bench.clock.advance(1);
    lease.release(true);
  }
  await bench.clock.advance(4_000);
  assert.deepEqual([spares.count, bench.pool.open], [0, 3]);
  await bench.clock.advance(1_000);
  assert.deepEqual([spares.count, bench.pool.open], [1, 2]);
  assert.equal(bench.openings.all[0]?.state, "gone");
  await bench.clock.advance(10_000);
  assert.equal(bench.pool.open, 2);
});
