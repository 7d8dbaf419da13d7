/** The loop for servers without deployments, over a registry in memory; nobody runs the replicas but the test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { kinds } from "../registry/kinds.ts";
import { openBench } from "./testing/loop-bench.ts";

test("a server gets its replicas, and its status follows them", async () => {
  await using world = await openBench();
  const [replica, ...more] = await world.until(({ status }) => status.observedGeneration === 1);
  assert.deepEqual([replica?.spec.revision, replica?.spec.node, more.length], ["weather-1", "here", 0]);
  await world.becomeReady(replica);
  await world.until(({ status }) => status.state === "ready" && status.tools === 3);
  const { status } = await world.registry.resources(kinds.Server).require("weather");
  assert.deepEqual(status.replicas, { desired: 1, ready: 1 });
});

test("a look that finds nothing new asks the store for nothing", async (t) => {
  await using world = await openBench();
  const [replica] = await world.until((_, replicas) => replicas.length === 1);
  await world.becomeReady(replica);
  await world.until(({ status }) => status.state === "ready");
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  const list = t.mock.method(world.store, "list");
  const txn = t.mock.method(world.store, "txn");
  for (let look = 0; look < 3; look++) {
    world.controller.look("weather");
    await setImmediate();
  }
  assert.deepEqual([list.mock.callCount(), txn.mock.callCount()], [0, 0]);
});

test("a status that somebody else wrote over is put right", async () => {
  await using world = await openBench();
  const [replica] = await world.until((_, replicas) => replicas.length === 1);
  await world.becomeReady(replica);
  await world.until(({ status }) => status.state === "ready");
  const servers = world.registry.resources(kinds.Server);
  await servers.updateStatus("weather", ({ status }) => ({ ...status, state: "failed" }));
  await world.until(() => world.states.includes("failed") && world.states.at(-1) === "ready");
});

test("each change of a server's state is one event, with what it came from and why", async () => {
  await using world = await openBench();
  const [replica] = await world.until((_, replicas) => replicas.length === 1);
  await world.becomeReady(replica);
  await world.until(({ status }) => status.state === "ready");
  world.controller.look("weather");
  await world.settle();
  assert.deepEqual(
    world.published.flatMap(({ topic, server, message }) => (topic === "server.state" ? `${server}: ${message}` : [])),
    ["weather: pending → ready: 1 of 1 replicas are ready"],
  );
});

test("a server that scales by itself gets more replicas when it has more to do", async () => {
  let calls = 0;
  const autoscale = { min: 1, max: 3, target: { inFlight: 2 }, idleAfter: "1h" } as const;
  await using world = await openBench({ spec: { autoscale, replicas: 7 }, callsOf: () => calls });
  await world.until((_, replicas) => replicas.length === 1);
  calls = 4;
  await world.until(({ status }, replicas) => replicas.length === 2 && status.replicas.desired === 2);
  calls = 100;
  await world.until((_, replicas) => replicas.length === 3);
});

test("what a revision offered is forgotten with it", async () => {
  await using world = await openBench();
  const spec = { server: "weather", digest: "sha256:0", ttlMs: 0 };
  await world.registry.resources(kinds.Catalogue).create({ name: "weather-1", spec });
  const [replica] = await world.until((_, replicas) => replicas.length === 1);
  await world.registry.resources(kinds.Server).markDeleted("weather");
  const own = world.registry.resources(kinds.Replica);
  await own.updateStatus(replica?.metadata.name ?? "", ({ status }) => ({ ...status, state: "stopped" }));
  while ((await world.registry.resources(kinds.Server).get("weather")) !== undefined) await setImmediate();
  assert.equal(await world.registry.resources(kinds.Catalogue).get("weather-1"), undefined);
});
