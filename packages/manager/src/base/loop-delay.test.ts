import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LoopDelay } from "./loop-delay.ts";

/** Holds the loop, then lets it turn until something was measured. */
async function held(delay: LoopDelay, ms: number): Promise<number> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  await turn();
  await turn();
  const [longest = 0] = delay.look([1]);
  return longest;
}

test("a pause that begins with a look, and lasts to the next, is seen, however many follow one another", async () => {
  using delay = new LoopDelay();
  await held(delay, 50);
  for (let at = 0; at < 5; at += 1) assert.ok((await held(delay, 200)) >= 100, `pause ${at}`);
});

test("without a sample there is no delay", () => {
  using delay = new LoopDelay();
  assert.deepEqual(delay.look([0.5, 0.99, 1]), [0, 0, 0]);
});
