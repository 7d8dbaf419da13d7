import assert from "node:assert/strict";
import { test } from "node:test";
import type { Replica, Server } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import type { Informer } from "../registry/informer.ts";
import { kinds } from "../registry/kinds.ts";
import { Registry } from "../registry/registry.ts";
import { serverDraft } from "../registry/testing/drafts.ts";
import { openMemoryStore } from "../store/memory.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { collectStateMetrics } from "./state-metrics.ts";

interface World extends AsyncDisposable {
  readonly registry: Registry;
  readonly replicas: Informer<Replica>;
  readonly metrics: Metrics;
}

/** With the server `weather` and two replicas, of which one was started again twice before anybody counted. */
async function open(): Promise<World> {
  const random = seededRandom(1);
  const store = await openMemoryStore({ clock: systemClock, random });
  const registry = new Registry({ store, clock: systemClock, random });
  await registry.resources(kinds.Server).create(serverDraft("weather"));
  const spec = { server: "weather", revision: "weather-1", node: "n1", restartRound: 0 };
  const own = registry.resources(kinds.Replica);
  for (const name of ["weather-1-aaaa", "weather-1-bbbb"]) await own.create({ name, spec });
  await own.updateStatus("weather-1-aaaa", ({ status }) => ({ ...status, restarts: 2 }));
  const [servers, replicas]: [Informer<Server>, Informer<Replica>] = [
    registry.informer(kinds.Server),
    registry.informer(kinds.Replica),
  ];
  for (const informer of [servers, replicas]) informer.start();
  await Promise.all([servers.synced, replicas.synced]);
  const metrics = new Metrics();
  const unsubscribe = collectStateMetrics(metrics, servers, replicas);
  return {
    registry,
    replicas,
    metrics,
    async [Symbol.asyncDispose]() {
      unsubscribe();
      for (const informer of [servers, replicas]) await informer[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

test("servers show their state, and replicas are counted by theirs, at the moment of the scrape", async () => {
  await using world = await open();
  const text = world.metrics.text();
  assert.match(text, /^mcp_manager_server_state\{server="weather",state="pending"\} 1$/m);
  assert.match(text, /^mcp_manager_replicas\{server="weather",state="pending"\} 2$/m);
});

test("restarts are counted from now on, and never fall when a replica goes", async () => {
  await using world = await open();
  const own = world.registry.resources(kinds.Replica);
  const heard = async (isSo: () => boolean): Promise<void> => {
    if (isSo()) return;
    const done = Promise.withResolvers<void>();
    const unsubscribe = world.replicas.onChange(() => isSo() && done.resolve());
    await done.promise;
    unsubscribe();
  };
  await own.updateStatus("weather-1-aaaa", ({ status }) => ({ ...status, restarts: 3 }));
  await own.updateStatus("weather-1-bbbb", ({ status }) => ({ ...status, restarts: 1 }));
  await heard(() => world.replicas.get("weather-1-bbbb")?.status.restarts === 1);
  const line = /^mcp_manager_replica_restarts_total\{server="weather"\} 2$/m;
  assert.match(world.metrics.text(), line);
  await own.delete("weather-1-aaaa");
  await heard(() => world.replicas.get("weather-1-aaaa") === undefined);
  assert.match(world.metrics.text(), line);
});
