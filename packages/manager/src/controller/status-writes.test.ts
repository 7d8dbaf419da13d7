import assert from "node:assert/strict";
import { test } from "node:test";
import { statusWritesOf } from "./status-writes.ts";
import { deployment, server } from "./testing/world.ts";

for (const [phase, end, target] of [
  ["Progressing", "Aborted", 0],
  ["Paused", "Aborted", 0],
  // Its revision has all traffic: it was gone through, and nothing goes back.
  ["Draining", "Completed", 100],
] as const) {
  test(`a deployment that is ${phase} when a newer one comes is ${end}`, () => {
    const traffic = { target: phase === "Draining" ? 100 : 20 };
    const older = deployment({ from: "weather-1", to: "weather-2" }, { phase, traffic });
    const newest = deployment({ from: "weather-1", to: "weather-3" }, { number: 2 });
    const own = {
      server: server(),
      revisions: [],
      replicas: [],
      catalogues: [],
      deployments: [older, newest],
      deployment: newest,
    };
    const [change, ...more] = statusWritesOf(own, undefined, 0, "2027-01-01T00:00:00Z").deployments;
    assert.deepEqual([change?.name, more], ["weather-2-1", []]);
    assert.deepEqual([change?.status.phase, change?.status.traffic.target], [end, target]);
    assert.match(change?.status.message ?? "", /weather-3-2 took its place/);
  });
}
