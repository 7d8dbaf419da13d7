/** What is large in a status has a key of its own: it is read with the others, and written when it changes. */
import assert from "node:assert/strict";
import type { Deployment, DeploymentSpec, DeploymentStatus } from "@mcp-manager/api";
import { pendingDeploymentStatus } from "@mcp-manager/api";
import { encode } from "./codec.ts";
import { kinds } from "./kinds.ts";
import type { Bench } from "./testing/stores.ts";
import { onEachStore, until } from "./testing/stores.ts";

const name = "weather-2-1";
const spec: DeploymentSpec = {
  server: "weather",
  from: "weather-1",
  to: "weather-2",
  strategy: { kind: "recreate" },
  generation: 2,
};
const schemaDiff = {
  class: "additive",
  changes: [{ class: "additive", subject: "tool b", message: "x".repeat(1_000) }],
} as const;

/** The bytes of a deployment's keys, by their last word. */
async function kept({ store, registry }: Bench): Promise<Readonly<Record<string, number>>> {
  const { kvs } = await store.list(registry.keys.resource("deployments", name));
  return Object.fromEntries(kvs.map(({ key, value }) => [key.split("/").at(-1) ?? "", value.byteLength]));
}

function elapsed(elapsedMs: number, more: Partial<DeploymentStatus> = {}): (now: Deployment) => DeploymentStatus {
  return ({ status }) => ({ ...status, progress: { elapsedMs, stalledMs: 0 }, ...more });
}

onEachStore(
  "the difference of two revisions is kept apart, and is not written again with what is counted",
  async (bench) => {
    const deployments = bench.registry.resources(kinds.Deployment);
    await using informer = bench.registry.informer(kinds.Deployment);
    informer.start();
    await informer.synced;
    const status = { ...pendingDeploymentStatus, schemaDiff };
    const made = await deployments.create({ name, spec, status });
    assert.deepEqual([made.status, (await deployments.require(name)).status], [status, status]);
    const { apart, ...others } = await kept(bench);
    assert.ok(apart !== undefined && apart > 1_000 && (others["status"] ?? 0) < 500, JSON.stringify(others));
    const written = async (): Promise<bigint | undefined> =>
      (await bench.store.get(bench.registry.keys.part("deployments", name, "apart"))).kv?.modRevision;
    const before = await written();
    for (const ms of [5_000, 10_000]) await deployments.updateStatus(name, elapsed(ms));
    assert.equal(await written(), before);
    const wider = { ...schemaDiff, class: "breaking" } as const;
    await deployments.updateStatus(name, elapsed(15_000, { schemaDiff: wider }));
    assert.notEqual(await written(), before);
    const now = await deployments.require(name);
    assert.deepEqual([now.status.schemaDiff, now.status.progress?.elapsedMs], [wider, 15_000]);
    await until("the cache has it", () => informer.get(name)?.status.progress?.elapsedMs === 15_000);
    assert.deepEqual(informer.get(name), now);
    await deployments.updateStatus(name, () => pendingDeploymentStatus);
    assert.deepEqual(
      [(await deployments.require(name)).status, "apart" in (await kept(bench))],
      [pendingDeploymentStatus, false],
    );
  },
);

onEachStore("one that was kept with the others goes on being known", async (bench) => {
  const deployments = bench.registry.resources(kinds.Deployment);
  await deployments.create({ name, spec });
  const status = { ...pendingDeploymentStatus, schemaDiff };
  const key = bench.registry.keys.part("deployments", name, "status");
  await bench.store.txn({ compare: [], success: [{ op: "put", key, value: encode("Deployment", name, status) }] });
  assert.deepEqual((await deployments.require(name)).status, status);
  await deployments.updateStatus(name, elapsed(5_000));
  assert.deepEqual((await deployments.require(name)).status.schemaDiff, schemaDiff);
  assert.equal("apart" in (await kept(bench)), true);
});
