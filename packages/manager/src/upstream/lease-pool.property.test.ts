/**
 * Whatever calls, servers and time do, in any order: no connection has two holders, none of another principal's is lent before it
 * is quiet, none more often than it may be, there are never too many with the spares, nor more than are wanted and one ahead, only who
 * has more than its share gives way, every call is served or refused, and nothing is left at the end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { LeasePool } from "./lease-pool.ts";
import { type Lease, shareOf, type Spares } from "./leases.ts";
import { quietMs } from "./profile-shelf.ts";
import { Opening, Openings, profileNamed } from "./testing/openings.ts";

const max = 4;
const usesMax = 3;
const waitersMax = 4;
const waitMs = 3_000;
const idleMs = 2_000;

/** What may happen; `at` chooses among those that there are. */
type Step =
  | { readonly kind: "take"; readonly profile: string; readonly principal: string }
  | { readonly kind: "release"; readonly at: number; readonly clean: boolean }
  | { readonly kind: "wait" | "abort" | "succeed" | "fail" | "finish" | "die"; readonly at: number }
  | { readonly kind: "advance"; readonly ms: number };

const place = fc.nat({ max: 9 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("take" as const),
      profile: fc.constantFrom("a", "b", "c"),
      principal: fc.constantFrom("ann", "ben"),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("release" as const), at: place, clean: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("succeed" as const), at: place }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("wait", "abort", "fail", "finish", "die"), at: place }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 100, 249, 250, 1_000, 2_000),
    }),
  },
);

interface Wanted {
  readonly profile: string;
  readonly principal: string;
  readonly sinceMs: number;
  readonly giveUp: AbortController;
  state: "waiting" | "served" | "refused";
}

interface LastUse {
  readonly principal: string;
  readonly untilMs: number;
}

/** The pool, and what a careful onlooker knows of it. */
class Model {
  readonly clock = new ManualClock();
  readonly openings = new Openings();
  readonly wanted: Wanted[] = [];
  readonly held = new Map<Lease, Wanted>();
  readonly lastUse = new Map<Opening, LastUse>();
  readonly uses = new Map<Opening, number>();
  readonly spares = {
    wanted: 1,
    count: 0,
    fill: (room: number): void => void (this.spares.count = Math.min(1, room)),
  } satisfies Spares;
  /** What the pool did wrong where it would swallow an exception. */
  readonly breaches: string[] = [];
  readonly pool = new LeasePool({
    server: "weather",
    clock: this.clock,
    max: () => max,
    idleMs,
    waitersMax,
    usesMax,
    aheadMax: 1,
    spares: this.spares,
    open: (capabilities, signal) => {
      const result = this.openings.open(capabilities, signal);
      const [profile] = Object.keys(capabilities);
      const opening = this.openings.in("opening").filter((each) => each.profile === profile).length;
      const waiting = this.waiting.filter((each) => each.profile === profile).length;
      if (opening > waiting + 1) this.breaches.push(`${opening} are being opened for ${waiting} that wait`);
      return result;
    },
  });

  constructor() {
    this.openings.closesAtOnce = false;
  }

  get waiting(): readonly Wanted[] {
    return this.wanted.filter(({ state }) => state === "waiting");
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case "take":
        this.#take(step.profile, step.principal);
        break;
      case "release":
        this.#release([...this.held.keys()][step.at % this.held.size], step.clean);
        break;
      case "wait":
        this.#waitForClient([...this.held.keys()][step.at % this.held.size]);
        break;
      case "abort":
        this.waiting[step.at % this.waiting.length]?.giveUp.abort(new Error("given up"));
        break;
      case "succeed":
      case "fail":
        this.#one("opening", step.at)?.[step.kind](step.kind);
        break;
      case "finish":
        this.#one("closing", step.at)?.finish();
        break;
      case "die":
        this.#one("open", step.at)?.die();
        break;
      case "advance":
        await this.clock.advance(step.ms);
    }
    await setImmediate();
    this.check();
  }

  check(): void {
    const { pool, openings, waiting, held } = this;
    assert.deepEqual(this.breaches, []);
    const places = openings.in("opening", "open", "closing").length;
    assert.ok(places + this.spares.count <= max, "too many");
    assert.equal(pool.waiting, waiting.length);
    assert.ok(waiting.length <= waitersMax);
    for (const { sinceMs } of waiting) assert.ok(this.clock.nowMs() - sinceMs < waitMs, "it waits for too long");
    const used = [...held.keys()].filter(({ connection }) => connection.closeReason === undefined);
    assert.equal(pool.inUse, used.length);
    assert.equal(pool.open, openings.in("open").length);
  }

  async end(): Promise<void> {
    const closed = this.pool.close(1_000);
    for (const lease of [...this.held.keys()].slice(1)) this.#release(lease, true);
    await setImmediate();
    assert.deepEqual(this.waiting, [], "it was neither served nor refused");
    await this.clock.advance(1_000);
    for (const opening of this.openings.in("closing")) opening.finish();
    await closed;
    assert.deepEqual(this.openings.in("opening", "open", "closing"), []);
    assert.deepEqual([this.pool.open, this.pool.inUse, this.clock.pendingCount], [0, 0, 0]);
  }

  #one(state: Opening["state"], at: number): Opening | undefined {
    const all = this.openings.in(state).filter(({ closeReason }) => state !== "open" || closeReason === undefined);
    return all[at % all.length];
  }

  #take(profile: string, principal: string): void {
    const giveUp = new AbortController();
    const wanted: Wanted = { profile, principal, sinceMs: this.clock.nowMs(), giveUp, state: "waiting" };
    this.wanted.push(wanted);
    const lease = this.pool.take({ profile: profileNamed(profile), principal, waitMs }, giveUp.signal);
    if (!(lease instanceof Promise)) return this.#served(wanted, lease);
    lease.then(
      (granted) => this.#served(wanted, granted),
      () => (wanted.state = "refused"),
    );
  }

  #served(wanted: Wanted, lease: Lease): void {
    wanted.state = "served";
    const { connection } = lease;
    assert.ok(connection instanceof Opening);
    if (connection.profile !== wanted.profile) this.breaches.push("its server was told of another profile");
    if ([...this.held.keys()].some((other) => other.connection === connection))
      this.breaches.push("it has two holders");
    const last = this.lastUse.get(connection);
    if (last !== undefined && last.principal !== wanted.principal) {
      if (this.clock.nowMs() - last.untilMs < quietMs) this.breaches.push("it was not quiet");
    }
    const uses = (this.uses.get(connection) ?? 0) + 1;
    this.uses.set(connection, uses);
    if (uses > usesMax) this.breaches.push("it is worn");
    this.held.set(lease, wanted);
  }

  #waitForClient(lease: Lease | undefined): void {
    if (lease === undefined) return;
    const giveUp = (): void => {
      const principal = this.held.get(lease)?.principal;
      const used = [...this.held].filter(([each]) => each.connection.closeReason === undefined);
      const own = used.filter(([, wanted]) => wanted.principal === principal);
      // Of those that wait some may have been granted one just now, and have not heard of it.
      const coming = this.waiting.filter((wanted) => wanted.principal === principal);
      if (own.length + coming.length <= shareOf(max)) this.breaches.push("it has no more than its share");
      this.#release(lease, false);
    };
    lease.waitingForClient = { sinceMs: this.clock.nowMs(), giveUp };
  }

  #release(lease: Lease | undefined, clean: boolean): void {
    const wanted = lease === undefined ? undefined : this.held.get(lease);
    if (lease === undefined || wanted === undefined) return;
    this.held.delete(lease);
    const { connection } = lease;
    assert.ok(connection instanceof Opening);
    this.lastUse.set(connection, { principal: wanted.principal, untilMs: this.clock.nowMs() });
    lease.release(clean);
    lease.release(!clean);
  }
}

/** The last connection of a profile has gone at last, after the profile was forgotten and came to be known anew. */
const goneAfterItsProfile: Step[] = [
  { kind: "take", profile: "b", principal: "ann" },
  { kind: "succeed", at: 0 },
  { kind: "release", at: 0, clean: false },
  { kind: "fail", at: 0 },
  { kind: "advance", ms: 2000 },
  { kind: "take", profile: "b", principal: "ann" },
  { kind: "abort", at: 0 },
  { kind: "finish", at: 0 },
];

test("a lease pool keeps its promises whatever happens, in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: "max" }), async (steps) => {
      const model = new Model();
      for (const each of steps) await model.run(each);
      await model.end();
    }),
    { numRuns: 300, examples: [[goneAfterItsProfile]] },
  );
});
