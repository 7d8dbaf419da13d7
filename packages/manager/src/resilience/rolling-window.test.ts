import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketCount, RollingWindow } from "./rolling-window.ts";

test("however long nobody came, nothing of that time is left", () => {
  const window = new RollingWindow(30_000, 0);
  for (let i = 0; i < 4; i++) window.add(i * 50, true, false);
  assert.deepEqual([window.calls(200), window.failures(200)], [4, 4]);
  window.add(3_600_000, true, false);
  assert.deepEqual([window.calls(3_600_000), window.failures(3_600_000)], [1, 1]);
});

test("a call is forgotten a bucket at a time, after the window at the latest", () => {
  const window = new RollingWindow(30_000, 0);
  window.add(0, false, true);
  window.add(3_000, false, false);
  assert.equal(window.calls(29_999), 2);
  assert.deepEqual([window.calls(30_000), window.slow(30_000)], [1, 0]);
  assert.equal(window.calls(33_000), 0);
});

test("it counts what a list of all events says, whatever the steps between them", () => {
  const event = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 200_000 })),
    isFailure: fc.boolean(),
    isSlow: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 6_000 }), fc.array(event), (startMs, tenthMs, events) => {
      const widthMs = tenthMs * 10;
      const window = new RollingWindow(widthMs, startMs);
      const bucketOf = (ms: number): number => Math.floor(ms / (widthMs / bucketCount));
      const all: { readonly atMs: number; readonly isFailure: boolean; readonly isSlow: boolean }[] = [];
      let nowMs = startMs;
      for (const { afterMs, isFailure, isSlow } of events) {
        nowMs += afterMs;
        window.add(nowMs, isFailure, isSlow);
        all.push({ atMs: nowMs, isFailure, isSlow });
        const recent = all.filter(({ atMs }) => bucketOf(atMs) > bucketOf(nowMs) - bucketCount);
        assert.equal(window.calls(nowMs), recent.length);
        assert.equal(window.failures(nowMs), recent.filter((one) => one.isFailure).length);
        assert.equal(window.slow(nowMs), recent.filter((one) => one.isSlow).length);
      }
    }),
  );
});
