import assert from "node:assert/strict";
import { test } from "node:test";
import { OverloadStages } from "../../resilience/overload.ts";
import { processPressure, smoothed } from "./pressure.ts";

test("a process says how much of its heap and descriptors it uses, as shares", () => {
  using source = processPressure(1_000_000);
  const { heap, fds, eventLoopDelay } = source.read();
  assert.ok(heap > 0 && heap < 1, `heap ${heap}`);
  assert.ok(fds >= 0 && fds < 1, `descriptors ${fds}`);
  assert.equal(eventLoopDelay, 0);
  using unwatched = processPressure(undefined);
  assert.equal(unwatched.read().fds, 0);
});

test("one pause, however long, is no overload; a loop that is held up all the time is, in seconds", () => {
  const after = (pressures: readonly number[]): number => pressures.reduce(smoothed, 0);
  assert.ok(after([1_000]) < 0.85);
  const stages = new OverloadStages();
  const held = Array.from({ length: 6 }, () => 4);
  assert.equal(stages.update({ heap: 0, fds: 0, eventLoopDelay: after(held) }, 0), 2);
  assert.ok(after([...held, 0, 0, 0, 0, 0, 0]) < 0.3);
  assert.equal(after([Number.NEGATIVE_INFINITY]), 0);
});
