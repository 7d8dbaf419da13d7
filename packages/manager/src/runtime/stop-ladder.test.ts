/** The order and the times of the stop ladder, on a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { climbDown, stopTimes } from "./stop-ladder.ts";

/** Climbs down with a process that ends at the step of this name; gives each step taken with its time. */
async function climb(endsAt: string): Promise<string[]> {
  const clock = new ManualClock();
  const taken: string[] = [];
  const ended = Promise.withResolvers<void>();
  const step = (name: string) => (): void => {
    taken.push(`${name} ${clock.nowMs()}`);
    if (name === endsAt) ended.resolve();
  };
  const steps = { endInput: step("input"), terminate: step("term"), kill: step("kill"), ended: ended.promise };
  const climbing = climbDown(steps, stopTimes, clock);
  await clock.advance(0);
  await clock.advance(60_000);
  await climbing;
  assert.equal(clock.pendingCount, 0);
  return taken;
}

test("G10 a process that ends with its input sees nothing else", async () => {
  assert.deepEqual(await climb("input"), ["input 0"]);
});

test("G10 after 5 s comes SIGTERM, after 10 s SIGKILL", async () => {
  assert.deepEqual(await climb("term"), ["input 0", "term 5000"]);
  assert.deepEqual(await climb("kill"), ["input 0", "term 5000", "kill 10000"]);
});
