import assert from "node:assert/strict";
import { test } from "node:test";
import { SlowStart } from "./slow-start.ts";

test("a share grows evenly from a tenth to all of it in 30 s, and then nothing is remembered", () => {
  const start = new SlowStart();
  start.begin("a", 1_000);
  assert.deepEqual(
    [1_000, 16_000, 28_000].map((ms) => Number(start.weight("a", ms).toFixed(3))),
    [0.1, 0.55, 0.91],
  );
  assert.equal(start.isOver, false);
  assert.equal(start.weight("a", 31_000), 1);
  assert.equal(start.isOver, true);
});

test("one that nobody spoke of, or that was forgotten, has its full share", () => {
  const start = new SlowStart();
  start.begin("a", 0);
  start.forget("a");
  assert.deepEqual([start.weight("a", 0), start.weight("b", 0)], [1, 1]);
});
