import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { durationMs, durationPattern, formatDuration, formatSize, sizeBytes, sizePattern } from "./quantity.ts";

test("durations and sizes mean what they say", () => {
  assert.deepEqual(["250ms", "30s", "10m", "1h", "0s"].map(durationMs), [250, 30_000, 600_000, 3_600_000, 0]);
  assert.deepEqual(["512B", "64KiB", "256MiB", "2GiB"].map(sizeBytes), [512, 65_536, 268_435_456, 2_147_483_648]);
});

test("other texts are refused with the rule", () => {
  for (const text of ["", "5", "s", "1.5s", "-1s", "01s", " 1s", "1 s", "1S", "1e3s", "1d", "9999999999h"]) {
    assert.throws(() => durationMs(text), { code: "invalid_argument", message: /250ms, 30s, 10m or 1h/ });
  }
  for (const text of ["", "5", "1MB", "1mib", "1.5MiB", "-1B", "01B", "1TiB"]) {
    assert.throws(() => sizeBytes(text), { code: "invalid_argument", message: /512KiB, 256MiB or 2GiB/ });
  }
});

test("every number of milliseconds has one text that means it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (ms) => {
      const text = formatDuration(ms);
      assert.match(text, durationPattern);
      assert.equal(durationMs(text), ms);
    }),
  );
});

test("every number of bytes has one text that means it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), fc.constantFrom(1, 1024, 1024 ** 2), (count, unit) => {
      const text = formatSize(count * unit);
      assert.match(text, sizePattern);
      assert.equal(sizeBytes(text), count * unit);
    }),
  );
});

test("whatever the pattern lets through is a safe integer", () => {
  fc.assert(
    fc.property(fc.stringMatching(durationPattern), (text) => assert.ok(Number.isSafeInteger(durationMs(text)))),
  );
  fc.assert(fc.property(fc.stringMatching(sizePattern), (text) => assert.ok(Number.isSafeInteger(sizeBytes(text)))));
});
