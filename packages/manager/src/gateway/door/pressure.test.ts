import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapStatistics } from "node:v8";
import { OverloadStages } from "../../resilience/overload.ts";
import { oldGenerationMax, processPressure, smoothed } from "./pressure.ts";

test("a process says how much of its heap and descriptors it uses, as shares", () => {
  using source = processPressure({ descriptors: 1_000_000, nodeOptions: undefined });
  const { heap, fds, eventLoopDelay } = source.read();
  assert.ok(heap > 0 && heap < 1, `heap ${heap}`);
  assert.ok(fds >= 0 && fds < 1, `descriptors ${fds}`);
  assert.equal(eventLoopDelay, 0);
  using unwatched = processPressure({ descriptors: undefined, nodeOptions: undefined });
  assert.equal(unwatched.readUse().fds, 0);
});

test("a heap is full when its old generation is: the young one's room counts only where nothing says how much that is", () => {
  const { heap_size_limit: limit } = getHeapStatistics();
  assert.equal(oldGenerationMax(""), limit);
  assert.equal(oldGenerationMax("--enable-source-maps --max-old-space-size=64"), 64 * 1_048_576);
  assert.equal(oldGenerationMax("--max-old-space-size=64 --max_old_space_size=32"), 32 * 1_048_576);
  assert.equal(oldGenerationMax("--max-old-space-size 16"), 16 * 1_048_576);
  assert.equal(oldGenerationMax("--max-old-space-size=99999999"), limit);
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
