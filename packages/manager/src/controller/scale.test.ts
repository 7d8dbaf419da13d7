import assert from "node:assert/strict";
import { test } from "node:test";
import type { Autoscale } from "@mcp-manager/api";
import fc from "fast-check";
import { replicasFor, Scaling } from "./scale.ts";

const autoscale: Autoscale = { min: 0, max: 4, target: { inFlight: 8 }, idleAfter: "1m" };

test("there are replicas for the calls there are, within the bounds, and one where none has to run", () => {
  const counts = [0, 1, 8, 9, 16, 17, 1_000].map((calls) => replicasFor(autoscale, calls));
  assert.deepEqual(counts, [1, 1, 1, 2, 2, 3, 4]);
  assert.equal(replicasFor({ ...autoscale, min: 2 }, 0), 2);
});

test("a server that does not scale has as many as its spec says", () => {
  assert.equal(new Scaling().desired("weather", { replicas: 3 }), 3);
  assert.equal(new Scaling().desired("weather", { replicas: 3, autoscale }), 1);
});

test("more at once, fewer only when fewer have done for a while", () => {
  const scaling = new Scaling();
  const desired = (): number => scaling.desired("weather", { replicas: 1, autoscale });
  assert.equal(scaling.sample("weather", autoscale, 20, 0), true);
  assert.equal(desired(), 3);
  assert.equal(scaling.sample("weather", autoscale, 0, 10_000), false);
  assert.equal(scaling.sample("weather", autoscale, 9, 40_000), false);
  assert.equal(scaling.sample("weather", autoscale, 0, 69_000), false);
  assert.equal(desired(), 3);
  assert.equal(scaling.sample("weather", autoscale, 0, 70_000), true);
  assert.equal(desired(), 2, "so many were needed in the meantime");
  assert.equal(scaling.sample("weather", autoscale, 0, 130_000), true);
  assert.equal(desired(), 1);
});

test("there are never fewer than were needed lately, nor more than were needed in twice that time", () => {
  const samples = fc.array(fc.record({ calls: fc.nat(60), afterMs: fc.integer({ min: 500, max: 40_000 }) }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(samples, fc.nat(3), (seen, min) => {
      const rules = { ...autoscale, min };
      const scaling = new Scaling();
      let nowMs = 0;
      const needed: { readonly atMs: number; readonly replicas: number }[] = [];
      for (const { calls, afterMs } of seen) {
        nowMs += afterMs;
        scaling.sample("weather", rules, calls, nowMs);
        needed.push({ atMs: nowMs, replicas: replicasFor(rules, calls) });
        const desired = scaling.desired("weather", { replicas: 9, autoscale: rules });
        const since = (ms: number): number =>
          Math.max(...needed.filter(({ atMs }) => atMs > nowMs - ms).map(({ replicas }) => replicas));
        assert.ok(desired >= since(60_000), `${desired} are too few`);
        // It is looked at now and then only: what was needed is kept until the next look, twice.
        assert.ok(desired <= Math.max(since(120_000 + 3 * 40_000), Math.max(min, 1)), `${desired} are too many`);
      }
    }),
  );
});
