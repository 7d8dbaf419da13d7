import assert from "node:assert/strict";
import { test } from "node:test";
import { RetryBudget } from "./retry-budget.ts";

test("three at once are always allowed, beyond that a fifth of the calls in flight", () => {
  for (const [inFlight, allowed] of [
    [0, 3],
    [1, 3],
    [19, 3],
    [20, 4],
    [64, 12],
  ] as const) {
    const budget = new RetryBudget();
    const claims = Array.from({ length: 30 }, () => budget.claim(inFlight));
    assert.equal(claims.filter(Boolean).length, allowed, `${inFlight} in flight`);
  }
});

test("what is given back can be claimed again, once", () => {
  const budget = new RetryBudget();
  for (let i = 0; i < 3; i++) budget.claim(0);
  budget.release();
  assert.deepEqual([budget.claim(0), budget.claim(0)], [true, false]);
});
