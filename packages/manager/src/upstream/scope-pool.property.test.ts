/**
 * Whatever callers, servers and time do, in any order: no connection is ever used for two scopes, a call that has it alone has it
 * alone, there are never too many, every call is served or refused, and nothing is left at the end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import type { Lease, Spares } from "./leases.ts";
import { ScopePool } from "./scope-pool.ts";
import { Opening, Openings, profileNamed } from "./testing/openings.ts";

const max = 3;
const waitersMax = 4;
const waitMs = 3_000;
const idleMs = 5_000;

/** What may happen; `at` chooses among those that there are. */
type Step =
  | { readonly kind: "take"; readonly profile: string; readonly scope: string; readonly isPlain: boolean }
  | { readonly kind: "release"; readonly at: number; readonly clean: boolean }
  | { readonly kind: "wait" | "abort" | "succeed" | "fail" | "finish" | "die"; readonly at: number }
  | { readonly kind: "end"; readonly scope: string }
  | { readonly kind: "advance"; readonly ms: number };

const place = fc.nat({ max: 9 });
const scope = fc.constantFrom("ann", "ben", "cat", "dan");
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("take" as const),
      profile: fc.constantFrom("a", "b"),
      scope,
      isPlain: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("release" as const), at: place, clean: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("succeed" as const), at: place }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("wait", "abort", "fail", "finish", "die"), at: place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), scope }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 1_000, 5_000) }) },
);

interface Wanted {
  readonly profile: string;
  readonly scope: string;
  readonly isPlain: boolean;
  readonly sinceMs: number;
  readonly giveUp: AbortController;
  state: "waiting" | "served" | "refused";
}

/** The pool, and what a careful onlooker knows of it. */
class Model {
  readonly clock = new ManualClock();
  readonly openings = new Openings();
  readonly wanted: Wanted[] = [];
  readonly held = new Map<Lease, Wanted>();
  /** Whose each connection was when it was first lent. */
  readonly owners = new Map<Opening, string>();
  /** What the pool did wrong where it would swallow an exception. */
  readonly breaches: string[] = [];
  readonly spares = {
    wanted: 1,
    count: 0,
    fill: (room: number): void => void (this.spares.count = Math.min(1, room)),
  } satisfies Spares;
  readonly pool = new ScopePool({
    sharing: "per-session",
    server: "weather",
    clock: this.clock,
    max: () => max,
    idleMs,
    waitersMax,
    spares: this.spares,
    open: this.openings.open,
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
        this.#take(step);
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
      case "end":
        this.pool.endScope(step.scope);
        assert.equal(this.pool.holds(step.scope), false);
        break;
      case "advance":
        await this.clock.advance(step.ms);
    }
    await setImmediate();
    this.check();
  }

  check(): void {
    const { pool, openings, waiting, held, spares } = this;
    assert.deepEqual(this.breaches, []);
    const places = openings.in("opening", "open", "closing").length;
    assert.ok(places <= max, "too many");
    assert.ok(places + spares.count <= max, "too many with the spares");
    assert.equal(pool.waiting, waiting.length);
    assert.ok(waiting.length <= waitersMax);
    for (const { sinceMs } of waiting) assert.ok(this.clock.nowMs() - sinceMs < waitMs, "it waits for too long");
    assert.equal(pool.calls, held.size);
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
    assert.deepEqual([this.pool.open, this.clock.pendingCount], [0, 0]);
  }

  #one(state: Opening["state"], at: number): Opening | undefined {
    const all = this.openings.in(state).filter(({ closeReason }) => state !== "open" || closeReason === undefined);
    return all[at % all.length];
  }

  #take({ profile, scope: whose, isPlain }: Step & { kind: "take" }): void {
    const giveUp = new AbortController();
    const sinceMs = this.clock.nowMs();
    const wanted: Wanted = { profile, scope: whose, isPlain, sinceMs, giveUp, state: "waiting" };
    this.wanted.push(wanted);
    const request = { profile: profileNamed(profile), principal: whose, waitMs, scope: whose, isPlain };
    const lease = this.pool.take(request, giveUp.signal);
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
    const owner = this.owners.get(connection) ?? wanted.scope;
    this.owners.set(connection, owner);
    if (owner !== wanted.scope) this.breaches.push(`${wanted.scope} got what was ${owner}'s`);
    const others = [...this.held].filter(([other]) => other.connection === connection).map(([, each]) => each);
    if (others.length > 0 && !(wanted.isPlain && others.every(({ isPlain }) => isPlain)))
      this.breaches.push("a call that was to be alone is not");
    this.held.set(lease, wanted);
  }

  #waitForClient(lease: Lease | undefined): void {
    if (lease === undefined) return;
    lease.waitingForClient = { sinceMs: this.clock.nowMs(), giveUp: () => this.#release(lease, false) };
  }

  #release(lease: Lease | undefined, clean: boolean): void {
    if (lease === undefined || !this.held.delete(lease)) return;
    lease.release(clean);
    lease.release(!clean);
  }
}

test("a pool of scoped connections keeps its promises whatever happens, in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: "max" }), async (steps) => {
      const model = new Model();
      for (const each of steps) await model.run(each);
      await model.end();
    }),
    { numRuns: 300 },
  );
});
