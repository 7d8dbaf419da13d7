/**
 * Whatever people say, replicas do and controllers lose, in any order: what must never happen, and that it ends well once the world
 * behaves.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOver } from "@mcp-manager/api";
import fc from "fast-check";
import { behave, endsWell, event, strategies, Trial } from "./testing/rollout-trial.ts";

test("whatever happens: no illegal route, no second promotion, no replica too few; and it ends where it should", () => {
  fc.assert(endsWell, { numRuns: 250 });
});

test("as long as no replica fails, what is stable always serves", () => {
  // Where one must end before another starts there are moments without.
  const gapless = strategies.flatMap(({ kind }, index) => (kind === "recreate" || index === 1 ? [] : [index]));
  const calm = event.filter((one) => {
    if (one.kind === "report") return one.state === "ready" || one.state === "idle";
    if (one.kind === "apply") return gapless.includes(one.strategy);
    return one.kind !== "crash-loop" && one.kind !== "scale";
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(calm, { maxLength: 60, size: "max" }), (replicas, events) => {
      const trial = new Trial(replicas, false);
      const { world } = trial;
      for (const one of events) {
        trial.happens(one);
        trial.look();
        const { stable = "" } = world.route ?? {};
        assert.ok(world.ready(stable).length > 0, `nothing of ${stable} serves: ${world.phases.join()}`);
      }
    }),
    { numRuns: 150 },
  );
});

test("whatever happened: a server that is deleted has nothing left", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30, size: "max" }), (events) => {
      const trial = new Trial(2, true);
      for (const one of events) {
        trial.happens(one);
        trial.look();
      }
      trial.world.delete();
      for (let round = 0; round < 5; round += 1) {
        behave(trial);
        trial.look(1_000);
      }
      assert.ok(isOver(trial.world.status));
      assert.deepEqual(trial.world.replicas, []);
    }),
    { numRuns: 50 },
  );
});
