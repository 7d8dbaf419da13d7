/** The breaker against a model that keeps every event and derives everything from them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { fixedRandom, SteadyClock } from "./testing.ts";
import type { Verdict } from "./verdict.ts";

const thresholds = { enabled: true, failureRatio: 0.4, minCalls: 6, windowMs: 10_000, openMs: 2_000, slowMs: 1_000 };

interface Admitted {
  readonly epoch: number;
  readonly atMs: number;
}

/** As naive as can be: lists, no counters; an epoch is a stretch between two changes. */
class ModelBreaker {
  #epoch = 0;
  #state: "closed" | "open" | "half-open" = "closed";
  #sinceMs = 0;
  #untilMs = 0;
  #openings = 0;
  #ended: { readonly atMs: number; readonly verdict: Verdict }[] = [];
  #out: Admitted[] = [];
  /** When trials began to be out without a pause. */
  #outSinceMs = 0;

  get state(): string {
    return this.#state;
  }

  admit(nowMs: number): Admitted | undefined {
    if (this.#state === "half-open" && this.#out.length > 0 && nowMs - this.#outSinceMs >= 30_000)
      this.#open(this.#outSinceMs + 30_000);
    if (this.#state === "open" && nowMs >= this.#untilMs) this.#enter("half-open", nowMs);
    if (this.#state === "open" || (this.#state === "half-open" && this.#out.length >= 2)) return undefined;
    const call = { epoch: this.#epoch, atMs: nowMs };
    if (this.#out.length === 0) this.#outSinceMs = nowMs;
    this.#out.push(call);
    return call;
  }

  end(call: Admitted, verdict: Verdict, nowMs: number): void {
    if (call.epoch !== this.#epoch) return;
    this.#out = this.#out.filter((other) => other !== call);
    this.#ended.push({ atMs: nowMs, verdict });
    if (this.#state === "closed" ? this.#shouldTrip(verdict, nowMs) : isBad(verdict) || verdict === "slow")
      this.#open(nowMs);
    else if (this.#state === "half-open" && this.#ended.filter((one) => one.verdict === "success").length === 3)
      this.#enter("closed", nowMs);
  }

  #shouldTrip(verdict: Verdict, nowMs: number): boolean {
    const heard = this.#ended.filter((one) => one.verdict !== "none").map((one) => one.verdict);
    const beforeRow = heard.findLastIndex((one) => !isBad(one));
    const inRow = heard.slice(beforeRow + 1).filter((one) => one === "transport-failure").length;
    const bucket = (ms: number): number => Math.floor(ms / (thresholds.windowMs / 10));
    const recent = this.#ended
      .filter(({ atMs }) => bucket(atMs) > bucket(nowMs) - 10)
      .filter((one) => one.verdict !== "none" && one.verdict !== "answered");
    const share = (of: (one: Verdict) => boolean): number =>
      recent.filter((one) => of(one.verdict)).length / recent.length;
    if (isBad(verdict))
      return inRow >= 5 || (recent.length >= thresholds.minCalls && share(isBad) >= thresholds.failureRatio);
    return verdict === "slow" && recent.length >= 10 && share((one) => one === "slow") >= 0.8;
  }

  #open(atMs: number): void {
    if (this.#state === "closed" && atMs - this.#sinceMs >= 600_000) this.#openings = 0;
    this.#untilMs = atMs + Math.min(300_000, thresholds.openMs * 2 ** this.#openings);
    this.#openings++;
    this.#enter("open", atMs);
  }

  #enter(state: "closed" | "open" | "half-open", atMs: number): void {
    this.#epoch++;
    this.#state = state;
    this.#sinceMs = atMs;
    this.#ended = [];
    this.#out = [];
  }
}

function isBad(verdict: Verdict): boolean {
  return verdict === "failure" || verdict === "transport-failure";
}

const sound = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Verdict>("success") },
  { weight: 1, arbitrary: fc.constantFrom<Verdict>("failure", "slow", "none", "answered") },
);
const ailing = fc.constantFrom<Verdict>("success", "slow", "slow", "failure", "transport-failure", "none", "answered");

/** A stretch in which the server is sound or ailing. */
const stretch = fc.constantFrom(sound, ailing).chain((verdict) =>
  fc.array(
    fc.record({
      afterMs: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 500 }) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 900_000 }) },
      ),
      /** Which of the calls in flight ends; none of them: a new one begins. */
      ends: fc.oneof(fc.constant(undefined), fc.nat(2)),
      verdict,
      jumpMs: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer() }),
    }),
    { minLength: 10, maxLength: 60 },
  ),
);
const stretches = fc.array(stretch, { minLength: 1, maxLength: 6 });

test("it is always where a model that keeps every event is, and the wall clock has no say", async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(stretches, async (all) => {
      const clock = new SteadyClock();
      const random = fixedRandom();
      const breaker = new CircuitBreaker({ thresholds, clock, random, onChange: ({ to }) => seen.add(to) });
      const model = new ModelBreaker();
      const inFlight: { readonly generation: number; readonly call: Admitted }[] = [];
      for (const { afterMs, ends, verdict: how, jumpMs } of all.flat()) {
        if (afterMs > 0) await clock.advance(afterMs);
        clock.jumpWall(jumpMs);
        const nowMs = clock.nowMs();
        const ending = ends === undefined ? undefined : inFlight.splice(ends, 1)[0];
        if (ending !== undefined) {
          breaker.ended(ending.generation, how, nowMs);
          model.end(ending.call, how, nowMs);
        } else {
          const call = model.admit(nowMs);
          assert.equal(breaker.mayPass(nowMs), call !== undefined);
          if (call !== undefined) inFlight.push({ generation: breaker.admit(nowMs), call });
        }
        assert.equal(breaker.state, model.state);
      }
    }),
  );
  // Coming back is rare among random steps; circuit-breaker.test.ts goes that way on purpose.
  assert.ok(seen.has("open") && seen.has("half-open"), "the steps went both ways");
});
