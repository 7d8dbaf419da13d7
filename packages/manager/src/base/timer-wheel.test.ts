import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "./clock.ts";
import { TimerWheel } from "./timer-wheel.ts";

test("every deadline fires once, never early, at most two slots late", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 40 }), async (delays) => {
      const clock = new ManualClock();
      const wheel = new TimerWheel(clock, 50, 64);
      const fired: number[][] = delays.map(() => []);
      delays.forEach((delayMs, i) => wheel.schedule(clock.nowMs(), delayMs, () => fired[i]?.push(clock.nowMs())));
      for (let step = 0; step < 70; step++) await clock.advance(1_000);
      delays.forEach((delayMs, i) => {
        assert.equal(fired[i]?.length, 1);
        assert.ok(
          (fired[i]?.[0] ?? -1) >= delayMs && (fired[i]?.[0] ?? 0) <= delayMs + 100,
          `${delayMs}: ${fired[i]?.join()}`,
        );
      });
      assert.equal(clock.pendingCount, 0);
    }),
    { numRuns: 20 },
  );
});

test("a cancelled deadline never fires, and an idle wheel keeps no timer", async () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const deadline = wheel.schedule(clock.nowMs(), 100, () => assert.fail("fired"));
  wheel.cancel(deadline);
  wheel.cancel(deadline);
  await clock.advance(5_000);
  assert.equal(clock.pendingCount, 0);
});

test("a wheel that slept through several turns fires what is overdue and keeps what is not", async () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock, 50, 8);
  const fired: string[] = [];
  wheel.schedule(clock.nowMs(), 100, () => fired.push("short"));
  wheel.schedule(clock.nowMs(), 10_000, () => fired.push("long"));
  await clock.advance(5_000);
  assert.deepEqual(fired, ["short"]);
  await clock.advance(6_000);
  assert.deepEqual(fired, ["short", "long"]);
});
