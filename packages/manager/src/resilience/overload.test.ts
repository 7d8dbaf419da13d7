import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OverloadStages, type Pressures } from "./overload.ts";

const none: Pressures = { heap: 0, fds: 0, eventLoopDelay: 0 };

test("each stage begins at its level, by whichever is shortest", () => {
  const cases: readonly (readonly [Partial<Pressures>, number])[] = [
    [{ heap: 0.84 }, 0],
    [{ heap: 0.85 }, 1],
    [{ fds: 0.92 }, 2],
    [{ eventLoopDelay: 0.97 }, 3],
    [{ eventLoopDelay: 4 }, 3],
    [{ heap: 0.5, fds: 0.86, eventLoopDelay: 0.1 }, 1],
    [{ heap: Number.NaN, fds: 0.86 }, 1],
  ];
  for (const [pressures, stage] of cases)
    assert.equal(new OverloadStages().update({ ...none, ...pressures }, 0), stage, JSON.stringify(pressures));
});

test("it says what is short, and where the stage begins", () => {
  const stages = new OverloadStages();
  assert.equal(stages.why, undefined);
  stages.update({ ...none, fds: 0.93 }, 0);
  assert.equal(stages.why, "file descriptors at 93 %, stage 2 begins at 92 %");
});

test("a stage is left after five seconds below its level less the gap, and not for a moment of calm", () => {
  const stages = new OverloadStages();
  stages.update({ ...none, heap: 0.93 }, 0);
  stages.update({ ...none, heap: 0.88 }, 60_000);
  assert.equal(stages.stage, 2, "within the gap");
  stages.update({ ...none, heap: 0.2 }, 61_000);
  stages.update({ ...none, heap: 0.9 }, 65_000);
  stages.update({ ...none, heap: 0.2 }, 67_000);
  assert.equal(stages.update({ ...none, heap: 0.2 }, 71_999), 2, "calm began anew at 67 s");
  assert.equal(stages.update({ ...none, heap: 0.2 }, 72_000), 0);
  assert.equal(stages.why, undefined);
});

test("going down ends at the stage that the figures still call for", () => {
  const stages = new OverloadStages();
  stages.update({ ...none, heap: 0.99 }, 0);
  stages.update({ ...none, heap: 0.83 }, 1_000);
  assert.equal(stages.update({ ...none, heap: 0.83 }, 6_000), 1);
});

test("the stage is never below what the figures call for, and calm always leads back to none", () => {
  const step = fc.record({
    heap: fc.double({ min: 0, max: 1.2, noNaN: true }),
    ms: fc.integer({ min: 0, max: 20_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const stages = new OverloadStages();
      let nowMs = 0;
      for (const { heap, ms } of steps) {
        nowMs += ms;
        const stage = stages.update({ ...none, heap }, nowMs);
        const least = heap >= 0.97 ? 3 : heap >= 0.92 ? 2 : heap >= 0.85 ? 1 : 0;
        assert.ok(stage >= least);
      }
      stages.update(none, nowMs);
      assert.equal(stages.update(none, nowMs + 5_000), 0);
    }),
  );
});
