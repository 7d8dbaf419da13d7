/** The loop with the decisions that it really takes, over a store in memory and a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { serverDefaults, type Strategy } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { kinds } from "../registry/kinds.ts";
import { noMeasures, nothingPending } from "../telemetry/revision-measures.ts";
import { openBench } from "./testing/loop-bench.ts";
import { pass } from "./testing/passing-time.ts";

const strategies: readonly Strategy[] = [
  { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "5s" },
  { kind: "recreate" },
  { kind: "blue-green", autoPromote: true, previewFor: "3s", scaleDownDelay: "30s" },
  {
    kind: "canary",
    analysis: [],
    steps: [
      { weight: 10, pause: "20s", minRequests: 0 },
      { weight: 50, pause: "10s", minRequests: 0 },
    ],
  },
];

/** One that is begun anew all the time never knows that a revision has nothing left. */
const deployment = { ...serverDefaults.deployment, drainTimeout: "20s" } as const;

for (const strategy of strategies) {
  for (const restartEvery of [Infinity, 7]) {
    const how = restartEvery === Infinity ? "" : ", however often the loop is begun anew";
    test(`by ${strategy.kind} a server comes to its new revision and rests there${how}`, async () => {
      const clock = new ManualClock();
      const measures = {
        of: () => ({ ...noMeasures, requests: Math.floor(clock.nowMs()) }),
        reset: () => undefined,
        pending: () => nothingPending,
      };
      await using bench = await openBench({ clock, measures, spec: { strategy, replicas: 2, deployment } });
      await bench.deploy(1);
      await pass(bench, clock, 10, restartEvery);
      const name = await bench.deploy(2);
      await pass(bench, clock, 120, restartEvery);
      const { status } = await bench.registry.resources(kinds.Deployment).require(name);
      assert.deepEqual([status.phase, status.traffic.target], ["Completed", 100]);
      const server = await bench.registry.resources(kinds.Server).require("weather");
      assert.deepEqual(server.status.route, { stable: "weather-2", draining: [] });
      assert.deepEqual([server.status.state, server.status.revision], ["ready", "weather-2"]);
      const { items } = await bench.registry.resources(kinds.Replica).list();
      assert.deepEqual(
        items.map(({ spec }) => spec.revision),
        ["weather-2", "weather-2"],
      );
      const { revision } = await bench.store.get("/none");
      await pass(bench, clock, 30);
      assert.equal((await bench.store.get("/none")).revision, revision, "it rests, and nothing is written");
    });
  }
}
