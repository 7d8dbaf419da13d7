/** The limit against a model that keeps plain lists of who is in and who waits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import type { Share } from "./shares.ts";
import { UsualDuration } from "./usual-duration.ts";

interface Call {
  readonly id: number;
  readonly principal: string;
  readonly dueMs: number;
}

interface Waiting {
  readonly call: Call;
  readonly untilMs: number;
}

class ModelLimit {
  readonly log: string[] = [];
  readonly #queue: number;
  #places: number;
  #in: readonly Call[] = [];
  #line: readonly Waiting[] = [];

  constructor(places: number, queue: number) {
    this.#places = places;
    this.#queue = queue;
  }

  get state(): readonly number[] {
    return [this.#in.length, this.#line.length];
  }

  come(call: Call, nowMs: number): void {
    if (this.#in.length < this.#places) {
      this.#in = [...this.#in, call];
      return void this.log.push(`${call.id} in`);
    }
    const waiting = (principal: string): number => this.#line.filter((one) => one.call.principal === principal).length;
    const most = Math.max(1, Math.floor(this.#queue / 4));
    if (this.#line.length >= this.#queue) {
      const last = this.#line.findLast((one) => waiting(one.call.principal) > most);
      if (this.#queue === 0 || waiting(call.principal) >= most || last === undefined)
        return void this.log.push(`${call.id} full`);
      this.#line = this.#line.filter((one) => one !== last);
      this.log.push(`${last.call.id} displaced`);
    }
    this.#line = [...this.#line, { call, untilMs: Math.min(nowMs + 2_000, call.dueMs) }];
  }

  end(id: number, nowMs: number): void {
    this.#in = this.#in.filter((call) => call.id !== id);
    this.#serve(nowMs);
  }

  leave(id: number): void {
    this.#line = this.#line.filter(({ call }) => call.id !== id);
  }

  setPlaces(places: number, nowMs: number): void {
    this.#places = places;
    this.#serve(nowMs);
  }

  /** Time went by to now. */
  pass(nowMs: number): void {
    for (const { call } of this.#line.filter(({ untilMs }) => untilMs <= nowMs)) this.log.push(`${call.id} late`);
    this.#line = this.#line.filter(({ untilMs }) => untilMs > nowMs);
  }

  #serve(nowMs: number): void {
    while (this.#in.length < this.#places && this.#line.length > 0) {
      const share = Math.max(1, Math.floor(this.#places / 4));
      const has = (principal: string): number => this.#in.filter((call) => call.principal === principal).length;
      const next = this.#line.find(({ call }) => has(call.principal) < share) ?? this.#line[0];
      if (next === undefined || next.untilMs <= nowMs) throw new Error("time goes by in steps that leave nobody late");
      this.#line = this.#line.filter((one) => one !== next);
      this.#in = [...this.#in, next.call];
      this.log.push(`${next.call.id} in`);
    }
  }
}

/** All times are multiples of 100 ms, so that the tick of the line's timer makes no difference. */
const step = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("come" as const),
      principal: fc.constantFrom("a", "a", "a", "a", "b", "c"),
      dueIn: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), which: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("places" as const), places: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), steps: fc.integer({ min: 1, max: 12 }) }) },
);

test("who gets a place, waits, gives way or comes too late is what the model says, and each is told once", async () => {
  const seen = new Set<string>();
  const bounds = fc.record({ places: fc.integer({ min: 1, max: 9 }), queue: fc.integer({ min: 0, max: 9 }) });
  await fc.assert(
    fc.asyncProperty(bounds, fc.array(step, { minLength: 30, maxLength: 150 }), async ({ places, queue }, steps) => {
      const clock = new ManualClock();
      const log: string[] = [];
      const held = new Map<number, Share>();
      const calls: Call[] = [];
      const enter = (call: Call, share: Share): void => {
        held.set(call.id, share);
        log.push(`${call.id} in`);
      };
      const limit = new ConcurrencyLimit<Call>({
        places,
        queue,
        usual: new UsualDuration(),
        clock,
        owner: {
          onPlace: enter,
          onDropped: ({ id }, { kind }) => log.push(`${id} ${kind === "displaced" ? kind : "late"}`),
        },
      });
      const model = new ModelLimit(places, queue);
      for (const one of steps) {
        const nowMs = clock.nowMs();
        if (one.kind === "come") {
          const call = { id: calls.length, principal: one.principal, dueMs: nowMs + one.dueIn * 100 };
          calls.push(call);
          const share = limit.tryEnter(call.principal);
          if (share !== undefined) enter(call, share);
          else if (limit.wait(call, nowMs) !== undefined) log.push(`${call.id} full`);
          model.come(call, nowMs);
        } else if (one.kind === "end") {
          const [id, share] = [...held][one.which] ?? [];
          if (id === undefined || share === undefined) continue;
          held.delete(id);
          limit.release(share);
          model.end(id, nowMs);
        } else if (one.kind === "leave") {
          const call = calls[one.which];
          if (call !== undefined) limit.leave(call);
          model.leave(one.which);
        } else if (one.kind === "places") {
          limit.setBounds(one.places, queue);
          model.setPlaces(one.places, nowMs);
        } else {
          for (let i = 0; i < one.steps; i++) {
            await clock.advance(100);
            model.pass(clock.nowMs());
          }
        }
        assert.deepEqual(log, model.log);
        assert.deepEqual([limit.inFlight, limit.waiting], model.state);
        assert.equal(clock.pendingCount, limit.waiting > 0 ? 1 : 0);
      }
      for (const line of log) seen.add(line.replace(/^\d+ /, ""));
    }),
  );
  assert.deepEqual([...seen].toSorted(), ["displaced", "full", "in", "late"], "the steps led to every end");
});
