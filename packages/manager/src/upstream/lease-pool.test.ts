import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { LeasePool, type LeasePoolOptions } from "./lease-pool.ts";
import type { Lease } from "./leases.ts";
import { Openings, profileNamed } from "./testing/openings.ts";

interface BenchOptions extends Omit<Partial<LeasePoolOptions>, "max"> {
  readonly max?: number;
}

class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly openings = new Openings();
  readonly pool: LeasePool;
  max: number;

  constructor({ max = 2, ...options }: BenchOptions = {}) {
    const { clock, openings } = this;
    this.max = max;
    const common = { server: "weather", open: openings.open, clock, idleMs: 60_000 };
    this.pool = new LeasePool({ ...common, max: () => this.max, ...options });
  }

  take(principal: string, profile = "asks", signal?: AbortSignal): Lease | Promise<Lease> {
    const lease = this.pool.take({ profile: profileNamed(profile), principal, waitMs: 5_000 }, signal);
    // The end of the bench refuses whoever still waits then.
    if (lease instanceof Promise) lease.catch(() => undefined);
    return lease;
  }

  /** A lease on a connection that is opened for it. */
  async takeNew(principal: string, profile = "asks"): Promise<Lease> {
    const lease = this.take(principal, profile);
    this.openings.all.at(-1)?.succeed();
    return await lease;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.pool.close(0);
    await setImmediate();
    for (const opening of this.openings.in("closing")) opening.finish();
    await closed;
    assert.equal(this.clock.pendingCount, 0);
    assert.deepEqual(this.openings.in("opening", "open", "closing"), []);
  }
}

/** What is given at once. */
function atOnce(lease: Lease | Promise<Lease>): Lease {
  assert.ok(!(lease instanceof Promise), "it has to wait");
  return lease;
}

async function refusal(lease: Lease | Promise<Lease>): Promise<ManagerError> {
  const error: unknown = await Promise.resolve(lease).then(
    () => assert.fail("it was granted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ManagerError);
  return error;
}

test("a call gets a connection whose server was told its client's profile, and gives it to the next at once", async () => {
  await using bench = new Bench();
  const first = await bench.takeNew("ann");
  assert.equal(bench.openings.all[0]?.profile, "asks");
  first.logLevel = "debug";
  first.release(true);
  const second = atOnce(bench.take("ann"));
  assert.equal(second.connection, first.connection);
  assert.equal(second.logLevel, "debug");
  // A server that forgot the session forgot the level with it.
  bench.openings.all[0]?.onRenewed?.();
  assert.equal(second.logLevel, undefined);
  assert.deepEqual([bench.pool.open, bench.pool.inUse, bench.pool.waiting], [1, 1, 0]);
});

test("giving back twice does not free what the next has", async () => {
  await using bench = new Bench({ max: 1 });
  const first = await bench.takeNew("ann");
  first.release(true);
  atOnce(bench.take("ann"));
  first.release(true);
  first.logLevel = "error";
  assert.ok(bench.take("ann") instanceof Promise);
  assert.equal(bench.pool.inUse, 1);
});

test("a connection that another principal used rests before it is lent", async () => {
  await using bench = new Bench({ max: 1 });
  const first = await bench.takeNew("ann");
  first.release(true);
  await bench.clock.advance(249);
  const waiting = bench.take("ben");
  assert.ok(waiting instanceof Promise);
  await bench.clock.advance(1);
  const second = await waiting;
  assert.equal(second.connection, first.connection);
  second.release(true);
  await bench.clock.advance(250);
  assert.equal(atOnce(bench.take("cat")).connection, first.connection);
});

test("another principal gets a new connection sooner than one that rests, while there is room", async () => {
  await using bench = new Bench();
  const first = await bench.takeNew("ann");
  first.release(true);
  const second = await bench.takeNew("ben");
  assert.notEqual(second.connection, first.connection);
  assert.equal(bench.openings.all.length, 2);
});

test("a free connection of another profile is closed to make room, the longest idle first", async () => {
  await using bench = new Bench();
  const leases = [await bench.takeNew("ann", "a"), await bench.takeNew("ann", "b")];
  leases[1]?.release(true);
  await bench.clock.advance(10);
  leases[0]?.release(true);
  const third = bench.take("ann", "c");
  await setImmediate();
  assert.deepEqual(
    bench.openings.all.map(({ profile, state }) => [profile, state]),
    [
      ["a", "open"],
      ["b", "gone"],
      ["c", "opening"],
    ],
  );
  bench.openings.all[2]?.succeed();
  await third;
});

test("no more connections are opened than calls wait for one, and never more than the bound", async () => {
  await using bench = new Bench({ max: 3 });
  const leases = ["ann", "ann", "ann", "ann", "ann"].map((principal) => bench.take(principal));
  assert.equal(bench.openings.all.length, 3);
  bench.openings.all[0]?.succeed();
  const first = await Promise.resolve(leases[0]);
  first?.release(true);
  const second = await Promise.resolve(leases[1]);
  assert.equal(second?.connection, first?.connection);
  assert.equal(bench.openings.all.length, 3);
  assert.equal(bench.pool.waiting, 3);
});

test("no more free connections are closed than places are lacking", async () => {
  await using bench = new Bench();
  bench.openings.closesAtOnce = false;
  const leases = [await bench.takeNew("ann", "a"), await bench.takeNew("ann", "b")];
  for (const lease of leases) lease.release(true);
  const giveUp = new AbortController();
  void bench.take("ann", "c", giveUp.signal);
  giveUp.abort(new Error("the client has gone"));
  void bench.take("ann", "d");
  await setImmediate();
  assert.equal(bench.openings.in("open").length, 1);
  bench.openings.all[0]?.finish();
  await setImmediate();
  assert.equal(bench.openings.all[2]?.profile, "d");
});

test("late ends of old connections do not disturb new ones of their profile", async () => {
  await using bench = new Bench({ max: 3 });
  bench.openings.closesAtOnce = false;
  const leases = [await bench.takeNew("ann"), await bench.takeNew("ann")];
  for (const lease of leases) lease.release(false);
  await setImmediate();
  bench.openings.all[0]?.finish();
  await setImmediate();
  const next = await bench.takeNew("ann");
  bench.openings.all[1]?.finish();
  await setImmediate();
  next.release(true);
  atOnce(bench.take("ann"));
});

test("one that is still closing holds its place", async () => {
  await using bench = new Bench({ max: 1 });
  bench.openings.closesAtOnce = false;
  const first = await bench.takeNew("ann");
  first.release(false);
  const second = bench.take("ann");
  await setImmediate();
  assert.equal(bench.openings.all.length, 1);
  bench.openings.all[0]?.finish();
  await setImmediate();
  bench.openings.all[1]?.succeed();
  assert.notEqual((await second).connection, first.connection);
});

test("a connection that is not given back clean is closed at once and used by nobody", async () => {
  await using bench = new Bench();
  const first = await bench.takeNew("ann");
  first.release(false);
  assert.ok(bench.take("ann") instanceof Promise);
  await setImmediate();
  assert.equal(bench.openings.all[0]?.state, "gone");
});

test("a connection that closes by itself is dropped, free or in use", async () => {
  await using bench = new Bench();
  const lost = await bench.takeNew("ann");
  bench.openings.all[0]?.die();
  await setImmediate();
  assert.equal(bench.pool.inUse, 0);
  lost.release(true);
  const next = await bench.takeNew("ann");
  next.release(true);
  bench.openings.all[1]?.die();
  // Before anybody was told of it, too.
  assert.ok(bench.take("ann") instanceof Promise);
  await setImmediate();
  assert.deepEqual(bench.openings.in("open"), []);
});

test("one that nobody uses is closed after its time, and those used since stay", async () => {
  await using bench = new Bench();
  const leases = [await bench.takeNew("ann"), await bench.takeNew("ben")];
  leases[0]?.release(true);
  leases[1]?.release(true);
  await bench.clock.advance(30_000);
  atOnce(bench.take("ben")).release(true);
  await bench.clock.advance(30_000);
  assert.deepEqual(
    bench.openings.all.map(({ state }) => state),
    ["gone", "open"],
  );
  await bench.clock.advance(30_000);
  assert.equal(bench.pool.open, 0);
  assert.equal(bench.clock.pendingCount, 0);
});

test("a call that waits too long is told how many there are and what to do", async () => {
  await using bench = new Bench({ max: 1 });
  await bench.takeNew("ann");
  const waiting = refusal(bench.take("ben"));
  await bench.clock.advance(5_000);
  const { code, reason, retryAfterMs, message } = await waiting;
  assert.deepEqual([code, reason, retryAfterMs], ["unavailable", "LEASES_EXHAUSTED", 1_000]);
  assert.match(
    message,
    /^server "weather" .* within 5000 ms \(1 of at most 1 in use, .*raise spec\.limits\.leases or spec\.replicas$/,
  );
  assert.equal(bench.pool.waiting, 0);
});

test("more calls than may wait are refused at once", async () => {
  await using bench = new Bench({ max: 1, waitersMax: 1 });
  await bench.takeNew("ann");
  const waiting = refusal(bench.take("ann"));
  assert.equal((await refusal(bench.take("ann"))).reason, "LEASES_EXHAUSTED");
  await bench.pool.close(0);
  assert.equal((await waiting).reason, "CONNECTION_CLOSED");
});

test("who gives up waiting leaves its place to the next", async () => {
  await using bench = new Bench({ max: 1 });
  const first = await bench.takeNew("ann");
  const giveUp = new AbortController();
  const second = bench.take("ann", "asks", giveUp.signal);
  const third = bench.take("ann");
  giveUp.abort(new ManagerError("cancelled", "the client has gone"));
  assert.equal((await refusal(second)).message, "the client has gone");
  first.release(true);
  assert.equal((await third).connection, first.connection);
  assert.equal((await refusal(bench.take("ann", "asks", giveUp.signal))).code, "cancelled");
});

test("a failed opening refuses all that nothing else will serve, and the next for a second, without another try", async () => {
  await using bench = new Bench();
  const waiting = ["ann", "ben", "cat"].map((principal) => refusal(bench.take(principal)));
  bench.openings.all[0]?.fail("no answer");
  await setImmediate();
  assert.equal(bench.pool.waiting, 3, "the other opening may serve them");
  bench.openings.all[1]?.fail("no answer");
  for (const error of await Promise.all(waiting)) {
    assert.deepEqual([error.code, error.reason], ["unavailable", "LEASE_NOT_OPENED"]);
    assert.equal(error.message, 'server "weather" could not be opened for this call alone: no answer');
  }
  await bench.clock.advance(999);
  assert.equal((await refusal(bench.take("ann"))).reason, "LEASE_NOT_OPENED");
  assert.equal(bench.openings.all.length, 2);
  await bench.takeNew("ann", "other");
  await bench.clock.advance(1);
  await bench.takeNew("ann");
});

test("who waits for one in use does so although another could not be opened, which is tried again a second later", async () => {
  await using bench = new Bench();
  const first = await bench.takeNew("ann");
  const second = bench.take("ann");
  bench.openings.all[1]?.fail("no answer");
  await setImmediate();
  assert.equal(bench.openings.all.length, 2);
  await bench.clock.advance(1_000);
  assert.equal(bench.openings.all.length, 3);
  first.release(true);
  assert.equal((await second).connection, first.connection);
});

test("calls of one profile do not starve those of another, nor one principal another", async () => {
  await using bench = new Bench({ max: 1 });
  const served: string[] = [];
  const call = (principal: string, profile: string): void => {
    void Promise.resolve(bench.take(principal, profile)).then(
      (lease) => {
        served.push(`${principal} ${profile}`);
        bench.clock.after(100, () => lease.release(true));
      },
      () => undefined,
    );
  };
  // More than the one connection can take, all the time.
  for (let step = 0; step < 100 && new Set(served).size < 3; step++) {
    call("ann", "a");
    if (step === 10) call("ben", "a");
    if (step === 10) call("ann", "b");
    await bench.clock.advance(50);
    for (const opening of bench.openings.in("opening")) opening.succeed();
  }
  assert.deepEqual([...new Set(served)], ["ann a", "ben a", "ann b"]);
  await bench.pool.close(0);
  await bench.clock.advance(100);
});

test("closing refuses who waits and who comes, and lets those in use be given back within the grace", async () => {
  await using bench = new Bench({ max: 1 });
  const first = await bench.takeNew("ann");
  const waiting = refusal(bench.take("ann"));
  const closed = bench.pool.close(10_000);
  assert.equal((await waiting).reason, "CONNECTION_CLOSED");
  assert.equal((await refusal(bench.take("ann"))).reason, "CONNECTION_CLOSED");
  assert.equal(bench.openings.all[0]?.state, "open");
  first.release(true);
  await bench.pool.drained;
  await closed;
  assert.equal(bench.openings.all[0]?.state, "gone");
});

test("the grace ends, sooner when asked again", async () => {
  await using bench = new Bench();
  const lease = await bench.takeNew("ann");
  const closed = bench.pool.close(10_000);
  void bench.pool.close(100);
  await bench.clock.advance(100);
  await closed;
  lease.release(true);
});

test("closing ends what is being opened", async () => {
  await using bench = new Bench();
  const waiting = refusal(bench.take("ann"));
  await bench.pool.close(10_000);
  assert.equal((await waiting).reason, "CONNECTION_CLOSED");
  assert.equal(bench.openings.all[0]?.state, "gone");
});
