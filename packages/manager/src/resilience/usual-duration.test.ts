import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UsualDuration } from "./usual-duration.ts";

test("with fewer than ten calls nothing is usual", () => {
  const usual = new UsualDuration();
  for (let i = 0; i < 9; i++) usual.add(100);
  assert.equal(usual.medianMs, 0);
  usual.add(100);
  assert.ok(usual.medianMs > 0);
});

test("it is within the power of two in which the median lies", () => {
  const durations = fc.array(fc.double({ min: 0, max: 200_000, noNaN: true }), { minLength: 10, maxLength: 400 });
  fc.assert(
    fc.property(durations, (all) => {
      const usual = new UsualDuration();
      for (const ms of all) usual.add(ms);
      const median = all.toSorted((a, b) => a - b)[Math.ceil(all.length / 2) - 1] ?? 0;
      const power = 2 ** Math.floor(Math.log2(Math.floor(median + 1)));
      const { medianMs } = usual;
      assert.ok(medianMs >= power - 1 && medianMs <= 2 * power - 1, `${medianMs} for ${median}`);
    }),
  );
});

test("what changed is usual after a few hundred calls", () => {
  const usual = new UsualDuration();
  for (let i = 0; i < 100_000; i++) usual.add(10);
  for (let i = 0; i < 600; i++) usual.add(5_000);
  assert.ok(usual.medianMs > 4_000);
});

test("odd figures do no harm", () => {
  const usual = new UsualDuration();
  for (const ms of [-5, 0, 1e12, 4_000_000_000]) for (let i = 0; i < 10; i++) usual.add(ms);
  assert.ok(Number.isFinite(usual.medianMs));
});
