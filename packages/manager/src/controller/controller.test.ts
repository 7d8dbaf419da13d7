/** The loop over a registry in memory; nobody runs the replicas but the test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type Replica, runnablePart, type Server, type ServerSpec } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { kinds } from "../registry/kinds.ts";
import { Registry } from "../registry/registry.ts";
import { serverDraft } from "../registry/testing/drafts.ts";
import { openMemoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { Controller } from "./controller.ts";

interface World extends AsyncDisposable {
  readonly store: Store;
  readonly registry: Registry;
  readonly controller: Controller;
  /** Every state that the cache of servers showed. */
  readonly states: readonly string[];
  /** What was published, in words. */
  readonly events: readonly string[];
  /** The server `weather` once it is as `isSo` says, as every cache shows it. */
  until(isSo: (server: Server, replicas: readonly Replica[]) => boolean): Promise<readonly Replica[]>;
}

/** With the server `weather` and its first revision registered. */
async function open(more: Partial<ServerSpec> = {}, callsOf = (): number => 0): Promise<World> {
  const [clock, random] = [systemClock, seededRandom(1)];
  const store = await openMemoryStore({ clock, random });
  const registry = new Registry({ store, clock, random });
  const servers = registry.informer(kinds.Server);
  const revisions = registry.informer(kinds.Revision);
  const replicas = registry.informer(kinds.Replica);
  for (const informer of [servers, revisions, replicas]) informer.start();
  await Promise.all([servers.synced, revisions.synced, replicas.synced]);
  const states: string[] = [];
  servers.onChange((_, server) => states.push(server?.status.state ?? "gone"));
  const events: string[] = [];
  const caches = { registry, servers, revisions, replicas };
  const controller = new Controller({
    ...caches,
    node: "here",
    toolCount: () => 3,
    callsOf,
    breakerOf: () => "closed",
    events: { publish: ({ server, message }) => events.push(`${server}: ${message}`) },
    clock,
    random,
    logger: silentLogger,
  });
  const plain = serverDraft("weather");
  const draft = { ...plain, spec: { ...plain.spec, ...more } };
  const transaction = registry.transaction();
  transaction.create(kinds.Server, draft);
  const spec = { ...runnablePart(draft.spec), server: "weather", number: 1 };
  transaction.create(kinds.Revision, { name: "weather-1", spec });
  await transaction.commit();
  return {
    store,
    registry,
    controller,
    states,
    events,
    async until(isSo) {
      for (const end = clock.nowMs() + 10_000; clock.nowMs() < end;) {
        const server = servers.get("weather");
        const own = replicas.ofServer("weather");
        if (server !== undefined && isSo(server, own)) return own;
        await setImmediate();
      }
      assert.fail(`never came; the states were ${states.join()}`);
    },
    async [Symbol.asyncDispose]() {
      await controller[Symbol.asyncDispose]();
      for (const informer of [servers, revisions, replicas]) await informer[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

async function becomeReady({ registry }: World, replica: Replica | undefined): Promise<void> {
  const name = replica?.metadata.name ?? "";
  await registry.resources(kinds.Replica).updateStatus(name, ({ status }) => ({ ...status, state: "ready" }));
}

test("a server gets its replicas, and its status follows them", async () => {
  await using world = await open();
  const [replica, ...more] = await world.until(({ status }) => status.observedGeneration === 1);
  assert.deepEqual([replica?.spec.revision, replica?.spec.node, more.length], ["weather-1", "here", 0]);
  await becomeReady(world, replica);
  await world.until(({ status }) => status.state === "ready" && status.tools === 3);
  const { status } = await world.registry.resources(kinds.Server).require("weather");
  assert.deepEqual(status.replicas, { desired: 1, ready: 1 });
});

test("a look that finds nothing new asks the store for nothing", async (t) => {
  await using world = await open();
  const [replica] = await world.until((_, replicas) => replicas.length === 1);
  await becomeReady(world, replica);
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
  await using world = await open();
  const [replica] = await world.until((_, replicas) => replicas.length === 1);
  await becomeReady(world, replica);
  await world.until(({ status }) => status.state === "ready");
  const servers = world.registry.resources(kinds.Server);
  await servers.updateStatus("weather", ({ status }) => ({ ...status, state: "failed" }));
  await world.until(() => world.states.includes("failed") && world.states.at(-1) === "ready");
});

test("each change of a server's state is one event, with what it came from and why", async () => {
  await using world = await open();
  const [replica] = await world.until((_, replicas) => replicas.length === 1);
  await becomeReady(world, replica);
  await world.until(({ status }) => status.state === "ready");
  world.controller.look("weather");
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  assert.deepEqual(world.events, [
    "weather: pending: no replica is ready yet",
    "weather: pending → ready: 1 of 1 replicas are ready",
  ]);
});

test("a server that scales by itself gets more replicas when it has more to do", async () => {
  let calls = 0;
  const autoscale = { min: 1, max: 3, target: { inFlight: 2 }, idleAfter: "1h" } as const;
  await using world = await open({ autoscale, replicas: 7 }, () => calls);
  await world.until((_, replicas) => replicas.length === 1);
  calls = 4;
  await world.until(({ status }, replicas) => replicas.length === 2 && status.replicas.desired === 2);
  calls = 100;
  await world.until((_, replicas) => replicas.length === 3);
});
