/** How far a quantile of a histogram is from that of the amounts themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LogHistogram } from "./log-histogram.ts";

/** Of the amounts themselves, by the nearest rank. */
function exact(amounts: readonly number[], part: number): number {
  return amounts.toSorted((a, b) => a - b)[Math.ceil(part * amounts.length) - 1] ?? 0;
}

function of(amounts: readonly number[]): LogHistogram {
  const histogram = new LogHistogram();
  for (const amount of amounts) histogram.add(amount);
  return histogram;
}

/** Evenly over the orders of magnitude, so that small ones come as often as large ones. */
const amount = fc.double({ min: -1, max: 8, noNaN: true }).map((exponent) => 10 ** exponent);
const part = fc.double({ min: 0.001, max: 1, noNaN: true });

test("a quantile is within five percent of that of the amounts, wherever they lie and however they are spread", () => {
  fc.assert(
    fc.property(fc.array(amount, { minLength: 1, maxLength: 300 }), part, (amounts, share) => {
      const wanted = exact(amounts, share);
      const given = of(amounts).quantile(share);
      assert.ok(Math.abs(given - wanted) <= 0.05 * wanted, `${given} for ${wanted}`);
    }),
  );
});

test("a larger share never has a smaller quantile", () => {
  fc.assert(
    fc.property(fc.array(amount, { maxLength: 50 }), part, part, (amounts, a, b) => {
      const histogram = of(amounts);
      assert.ok(histogram.quantile(Math.min(a, b)) <= histogram.quantile(Math.max(a, b)));
    }),
  );
});

test("what is too small or too large counts as the least or the most that can be told; none is 0", () => {
  assert.deepEqual([of([]).count, of([]).quantile(0.95)], [0, 0]);
  assert.deepEqual([of([0, 0.01]).count, of([0, 0.01]).quantile(1)], [2, 0.1]);
  const huge = of([1e12]).quantile(0.5);
  assert.ok(huge > 0.95e8 && huge < 1.1e8, String(huge));
});
