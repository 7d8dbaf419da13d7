import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import type { Lease } from "./leases.ts";
import { ScopePool, type ScopePoolOptions } from "./scope-pool.ts";
import { Openings, profileNamed } from "./testing/openings.ts";

interface Wish {
  readonly scope: string;
  readonly profile?: string;
  /** Default: yes. */
  readonly isPlain?: boolean;
  readonly principal?: string;
  readonly signal?: AbortSignal;
}

class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly openings = new Openings();
  readonly closed: string[] = [];
  readonly pool: ScopePool;

  constructor(max = 2, options: Partial<ScopePoolOptions> = {}) {
    this.pool = new ScopePool({
      sharing: "per-principal",
      server: "weather",
      open: this.openings.open,
      clock: this.clock,
      idleMs: 600_000,
      onLease: (event) => void (event.kind === "closed" && this.closed.push(event.reason)),
      ...options,
      max: () => max,
    });
  }

  take({ scope, profile = "plain", isPlain = true, principal = scope, signal }: Wish): Lease | Promise<Lease> {
    const request = { profile: profileNamed(profile), principal, waitMs: 5_000, scope, isPlain };
    const lease = this.pool.take(request, signal);
    if (lease instanceof Promise) lease.catch(() => undefined);
    return lease;
  }

  /** A lease, on a connection that is opened for it if need be. */
  async have(wish: Wish): Promise<Lease> {
    const lease = this.take(wish);
    await setImmediate();
    this.openings.in("opening").at(-1)?.succeed();
    return await lease;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close(0);
    assert.equal(this.clock.pendingCount, 0);
    assert.deepEqual(this.openings.in("opening", "open", "closing"), []);
    assert.deepEqual([this.pool.open, this.pool.waiting], [0, 0]);
  }
}

async function refusal(lease: Lease | Promise<Lease>): Promise<ManagerError> {
  const error: unknown = await Promise.resolve(lease).then(
    () => assert.fail("it was granted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ManagerError);
  return error;
}

/** What is given at once. */
function atOnce(lease: Lease | Promise<Lease>): Lease {
  assert.ok(!(lease instanceof Promise), "it has to wait");
  return lease;
}

test("plain calls of one scope are on one connection at the same time, those of another on another", async () => {
  await using bench = new Bench();
  const first = await bench.have({ scope: "ann" });
  const second = atOnce(bench.take({ scope: "ann" }));
  const other = await bench.have({ scope: "ben" });
  assert.equal(second.connection, first.connection);
  assert.notEqual(other.connection, first.connection);
  assert.deepEqual([bench.pool.open, bench.pool.inUse, bench.pool.calls], [2, 2, 3]);
});

test("what a scope's server was told of its client decides too", async () => {
  await using bench = new Bench();
  const plain = await bench.have({ scope: "ann" });
  const asks = await bench.have({ scope: "ann", profile: "asks" });
  assert.notEqual(asks.connection, plain.connection);
});

test("a connection is kept between calls, with its log level", async () => {
  await using bench = new Bench();
  const first = await bench.have({ scope: "ann", isPlain: false });
  first.logLevel = "debug";
  first.release(true);
  const second = atOnce(bench.take({ scope: "ann" }));
  assert.equal(second.connection, first.connection);
  assert.equal(second.logLevel, "debug");
});

test("a call that can be asked something has the connection alone, and nobody passes by who waits", async () => {
  await using bench = new Bench();
  const reads = [await bench.have({ scope: "ann" }), atOnce(bench.take({ scope: "ann" }))];
  const order: string[] = [];
  const note = (name: string, lease: Lease | Promise<Lease>): Promise<Lease> =>
    Promise.resolve(lease).then((granted) => {
      order.push(name);
      return granted;
    });
  const alone = note("alone", bench.take({ scope: "ann", isPlain: false }));
  const later = [
    note("plain", bench.take({ scope: "ann" })),
    note("plain", bench.take({ scope: "ann" })),
    note("alone too", bench.take({ scope: "ann", isPlain: false })),
  ];
  assert.equal(bench.pool.waiting, 4);
  reads[0]?.release(true);
  await setImmediate();
  assert.deepEqual(order, []);
  reads[1]?.release(true);
  const held = await alone;
  await setImmediate();
  assert.deepEqual(order, ["alone"]);
  held.release(true);
  await Promise.all(later.slice(0, 2));
  assert.deepEqual(order, ["alone", "plain", "plain"]);
  for (const lease of later.slice(0, 2)) (await lease).release(true);
  (await later[2])?.release(true);
});

test("who gives up waiting lets those behind pass", async () => {
  await using bench = new Bench();
  await bench.have({ scope: "ann" });
  const giveUp = new AbortController();
  const alone = refusal(bench.take({ scope: "ann", isPlain: false, signal: giveUp.signal }));
  const behind = bench.take({ scope: "ann" });
  giveUp.abort(new ManagerError("cancelled", "the client has gone"));
  assert.equal((await alone).code, "cancelled");
  await behind;
});

test("another scope gets the place of the longest idle, after that has closed", async () => {
  await using bench = new Bench();
  bench.openings.closesAtOnce = false;
  const leases = [await bench.have({ scope: "ann" }), await bench.have({ scope: "ben" })];
  leases[1]?.release(true);
  await bench.clock.advance(10);
  leases[0]?.release(true);
  const third = bench.take({ scope: "cat" });
  await setImmediate();
  assert.deepEqual(bench.closed, ["room"]);
  assert.deepEqual(
    bench.openings.all.map(({ state }) => state),
    ["open", "closing"],
  );
  bench.openings.all[1]?.finish();
  await setImmediate();
  bench.openings.all[2]?.succeed();
  await third;
  assert.equal(bench.pool.holds("ben"), false);
  bench.openings.closesAtOnce = true;
  const closed = bench.pool.close(0);
  await setImmediate();
  for (const opening of bench.openings.in("closing")) opening.finish();
  await closed;
});

test("with all connections busy for others a scope is refused, and told what to do", async () => {
  await using bench = new Bench(1);
  await bench.have({ scope: "ann" });
  const { code, reason, message } = await refusal(bench.take({ scope: "ben" }));
  assert.deepEqual([code, reason], ["unavailable", "LEASES_EXHAUSTED"]);
  assert.match(
    message,
    /^server "weather" keeps its callers apart .* all of its 1 connections are busy .*spec\.limits\.leases/,
  );
});

test("a principal with more than its share gives way with a call that waits for its client", async () => {
  await using bench = new Bench(4, { sharing: "per-session" });
  const gaveWay: string[] = [];
  for (const [at, session] of ["s1", "s2", "s3", "s4"].entries()) {
    const principal = at === 3 ? "ben" : "ann";
    const lease = await bench.have({ scope: session, principal, isPlain: false });
    lease.waitingForClient = {
      sinceMs: at,
      giveUp() {
        gaveWay.push(session);
        lease.release(false);
      },
    };
  }
  await bench.have({ scope: "s5", principal: "cat" });
  assert.deepEqual(gaveWay, ["s1"]);
  assert.equal((await refusal(bench.take({ scope: "s6", principal: "ann" }))).reason, "LEASES_EXHAUSTED");
});

test("a scope that is over has no connection any more, and what it had in flight fails with it", async () => {
  await using bench = new Bench();
  await bench.have({ scope: "ann" });
  const waiting = refusal(bench.take({ scope: "ann", isPlain: false }));
  assert.equal(bench.pool.holds("ann"), true);
  bench.pool.endScope("ann");
  bench.pool.endScope("nobody");
  await setImmediate();
  assert.equal(bench.openings.all[0]?.state, "gone");
  assert.equal((await waiting).reason, "CONNECTION_LOST");
  assert.equal(bench.pool.holds("ann"), false);
  assert.deepEqual(bench.closed, ["scope"]);
});

test("one whose scope is over before it is open is closed as soon as it is", async () => {
  await using bench = new Bench();
  const waiting = refusal(bench.take({ scope: "ann" }));
  bench.pool.endScope("ann");
  await waiting;
  bench.openings.all[0]?.succeed();
  await setImmediate();
  assert.equal(bench.openings.all[0]?.state, "gone");
});

test("one that nobody used for long is closed, one that closes by itself is dropped", async () => {
  await using bench = new Bench();
  (await bench.have({ scope: "ann" })).release(true);
  await bench.clock.advance(300_000);
  (await bench.have({ scope: "ben" })).release(true);
  await bench.clock.advance(300_000);
  assert.deepEqual([bench.pool.holds("ann"), bench.pool.holds("ben")], [false, true]);
  bench.openings.all[1]?.die();
  await setImmediate();
  assert.equal(bench.pool.holds("ben"), false);
  assert.deepEqual(bench.closed, ["idle", "lost"]);
});

test("a call that is given up keeps the state; a server that answers none is given up", async () => {
  await using bench = new Bench();
  const first = await bench.have({ scope: "ann" });
  first.release(false);
  assert.equal(atOnce(bench.take({ scope: "ann" })).connection, first.connection);
  for (let i = 0; i < 4; i++) atOnce(bench.take({ scope: "ann" })).release(false);
  await setImmediate();
  assert.deepEqual(bench.closed, ["unclean"]);
});

test("one that cannot be opened refuses who waits, and for a second everybody of the profile", async () => {
  await using bench = new Bench();
  const waiting = refusal(bench.take({ scope: "ann" }));
  bench.openings.all[0]?.fail("no answer");
  assert.equal((await waiting).reason, "LEASE_NOT_OPENED");
  assert.equal((await refusal(bench.take({ scope: "ben" }))).reason, "LEASE_NOT_OPENED");
  await bench.clock.advance(1_000);
  await bench.have({ scope: "ben" });
});

test("closing lets calls end within the grace, and refuses who comes", async () => {
  await using bench = new Bench();
  const first = await bench.have({ scope: "ann" });
  const closed = bench.pool.close(10_000);
  assert.equal((await refusal(bench.take({ scope: "ann" }))).reason, "CONNECTION_CLOSED");
  assert.equal(bench.openings.all[0]?.state, "open");
  first.release(true);
  await closed;
  assert.deepEqual(bench.closed, ["stopped"]);
});
