import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../base/clock.ts";
import { SessionRate } from "./session-rate.ts";

test("a burst is taken at once, then so many a second, and after a quiet time a burst again", async () => {
  const clock = new ManualClock();
  const rate = new SessionRate(clock, 10, 5);
  const taken = (tries: number): number => Array.from({ length: tries }, () => rate.take()).filter(Boolean).length;
  assert.equal(taken(100), 5);
  await clock.advance(99);
  assert.equal(taken(100), 0);
  await clock.advance(1);
  assert.equal(taken(100), 1);
  await clock.advance(200);
  assert.equal(taken(100), 2);
  await clock.advance(60_000);
  assert.equal(taken(100), 5);
});

test("over any time no more are taken than the burst and the rate allow, and refused ones cost nothing", async () => {
  const steps = fc.array(
    fc.record({ waitMs: fc.integer({ min: 0, max: 500 }), tries: fc.integer({ min: 0, max: 40 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 50 }),
      steps,
      async (rateOf, burst, list) => {
        const clock = new ManualClock();
        const rate = new SessionRate(clock, rateOf, burst);
        let taken = 0;
        // The reference: a bucket that is refilled.
        let tokens = burst;
        for (const { waitMs, tries } of list) {
          await clock.advance(waitMs);
          tokens = Math.min(burst, tokens + (waitMs * rateOf) / 1_000);
          for (let i = 0; i < tries; i++) {
            const isTaken = rate.take();
            if (isTaken) {
              taken += 1;
              tokens -= 1;
            }
            assert.ok(tokens > -1e-3, "more than there was");
            assert.ok(isTaken || tokens < 1 + 1e-3, "refused although there was one");
          }
        }
        assert.ok(taken <= burst + (clock.nowMs() * rateOf) / 1_000 + 1e-3);
      },
    ),
    { numRuns: 50 },
  );
});
