import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { kinds } from "../registry/kinds.ts";
import { Registry } from "../registry/registry.ts";
import { openMemoryStore } from "../store/memory.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { collectReplicaMetrics } from "./replica-metrics.ts";

test("replicas are counted by server and state at the moment of the scrape", async () => {
  const random = seededRandom(1);
  const store = await openMemoryStore({ clock: systemClock, random });
  const registry = new Registry({ store, clock: systemClock, random });
  const replicas = registry.resources(kinds.Replica);
  const spec = { server: "weather", revision: "weather-1", node: "n1", restartRound: 0 };
  await replicas.create({ name: "weather-1-aaaa", spec });
  await replicas.create({ name: "weather-1-bbbb", spec });
  const informer = registry.informer(kinds.Replica);
  informer.start();
  await informer.synced;
  const metrics = new Metrics();
  collectReplicaMetrics(metrics, informer);
  assert.match(metrics.text(), /^mcp_manager_replicas\{server="weather",state="pending"\} 2$/m);
  await informer[Symbol.asyncDispose]();
  await store.close();
});
