import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RateLimit } from "./rate-limit.ts";

function passes(limit: RateLimit, nowMs: number): boolean {
  if (limit.waitMs(nowMs) > 0) return false;
  limit.take(nowMs);
  return true;
}

test("a burst goes through at once, then one call for each interval", () => {
  const limit = new RateLimit({ perSecond: 10, burst: 3 });
  assert.deepEqual(
    [0, 0, 0, 0, 99, 100, 150, 200].map((ms) => passes(limit, ms)),
    [true, true, true, false, false, true, false, true],
  );
});

test("after a pause a whole burst goes through again, and no more than that", () => {
  const limit = new RateLimit({ perSecond: 3, burst: 5 });
  for (const nowMs of [0, 3_600_000])
    assert.equal(Array.from({ length: 20 }, () => passes(limit, nowMs)).filter(Boolean).length, 5);
});

test("it lets through what a bucket of tokens lets through, and the wait that it tells is exact", () => {
  const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 5_000 }), burst: fc.integer({ min: 1, max: 50 }) });
  fc.assert(
    fc.property(rates, fc.nat(1_000_000), fc.array(fc.nat(400)), ({ perSecond, burst }, startMs, steps) => {
      const limit = new RateLimit({ perSecond, burst });
      // In whole thousandths of a token, so that the model does not round.
      let tokens = burst * 1_000;
      let nowMs = startMs;
      for (const afterMs of steps) {
        nowMs += afterMs;
        tokens = Math.min(burst * 1_000, tokens + afterMs * perSecond);
        const waitMs = limit.waitMs(nowMs);
        assert.equal(waitMs === 0, tokens >= 1_000, `${tokens} thousandths of a token, ${waitMs} ms to wait`);
        if (waitMs > 0) {
          const missingMs = (1_000 - tokens) / perSecond;
          assert.ok(Math.abs(waitMs - missingMs) < 0.001, `${waitMs} ms instead of ${missingMs} ms`);
          assert.equal(limit.waitMs(nowMs + Math.ceil(waitMs)), 0);
        } else {
          limit.take(nowMs);
          tokens -= 1_000;
        }
      }
    }),
  );
});
