/** The controller over a registry in memory, for tests of the loop; nobody runs the replicas but the test. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Deployment, Event, Replica, Server, ServerSpec } from "@mcp-manager/api";
import { deploymentName, revisionName, runnablePart } from "@mcp-manager/api";
import { type Clock, systemClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { EventBus } from "../../events/bus.ts";
import { StoreEvents } from "../../events/store-events.ts";
import { kinds } from "../../registry/kinds.ts";
import { Registry } from "../../registry/registry.ts";
import { serverDraft } from "../../registry/testing/drafts.ts";
import { openMemoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { Controller, type ControllerOptions } from "../controller.ts";
import type { MeasureSource } from "../../telemetry/revision-measures.ts";

export interface BenchOptions extends Partial<
  Pick<ControllerOptions, "advance" | "callsOf" | "measures" | "capacity" | "compareTexts">
> {
  readonly spec?: Partial<ServerSpec>;
  /** Default: the real one. */
  readonly clock?: Clock;
}

export interface Bench extends AsyncDisposable {
  readonly store: Store;
  readonly registry: Registry;
  readonly controller: Controller;
  /** Every state that the cache of servers showed. */
  readonly states: readonly string[];
  /** What follows from all that was written. */
  readonly published: readonly Event[];
  /** The server `weather` once it is as `isSo` says, as every cache shows it. */
  until(isSo: (server: Server, replicas: readonly Replica[]) => boolean): Promise<readonly Replica[]>;
  /** The deployment of that name once it is as `isSo` says, as the cache shows it. */
  untilDeployment(name: string, isSo: (deployment: Deployment) => boolean): Promise<Deployment>;
  /** Makes the next deployment to the revision of this number as an apply does, with the revision when there is none; its name. */
  deploy(number: number): Promise<string>;
  becomeReady(replica: Replica | undefined): Promise<void>;
  /** Until nothing moves any more by itself. */
  settle(): Promise<void>;
  /** Ends the controller and begins with another one, as a restart of the manager does. */
  restart(): Promise<void>;
}

/** Of an instance that counts nothing by revision. */
const unmeasured: MeasureSource = {
  of: () => undefined,
  reset: () => undefined,
  pending: () => ({ inFlight: 0, sessions: 0, tasks: 0, listens: 0 }),
};

/** With the server `weather` and its first revision registered, and no deployment. */
export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const [clock, random] = [options.clock ?? systemClock, seededRandom(1)];
  const store = await openMemoryStore({ clock, random });
  const registry = new Registry({ store, clock, random });
  const servers = registry.informer(kinds.Server);
  const revisions = registry.informer(kinds.Revision);
  const deployments = registry.informer(kinds.Deployment);
  const catalogues = registry.informer(kinds.Catalogue);
  const replicas = registry.informer(kinds.Replica);
  const informers = [servers, revisions, deployments, catalogues, replicas];
  for (const informer of informers) informer.start();
  await Promise.all(informers.map(({ synced }) => synced));
  const states: string[] = [];
  servers.onChange((_, server) => states.push(server?.status.state ?? "gone"));
  const bus = new EventBus({ clock });
  const storeEvents = new StoreEvents({ registry, bus, clock, random });
  await storeEvents.start();
  const caches = { registry, servers, revisions, deployments, catalogues, replicas };
  const start = (): Controller =>
    new Controller({
      ...caches,
      node: "here",
      toolCount: () => 3,
      callsOf: options.callsOf ?? (() => 0),
      measures: options.measures ?? unmeasured,
      compareTexts: options.compareTexts ?? (() => ({ class: "none", changes: [] })),
      capacity: options.capacity ?? {},
      ...(options.advance === undefined ? {} : { advance: options.advance }),
      breakerOf: () => "closed",
      clock,
      random,
      logger: silentLogger,
    });
  let controller = start();
  const plain = serverDraft("weather");
  const draft = { ...plain, spec: { ...plain.spec, ...options.spec } };
  const revisionSpec = (number: number) => ({ ...runnablePart(draft.spec), server: "weather", number });
  const transaction = registry.transaction();
  transaction.create(kinds.Server, draft);
  transaction.create(kinds.Revision, { name: "weather-1", spec: revisionSpec(1) });
  await transaction.commit();

  const patiently = async <T>(look: () => T | undefined): Promise<T> => {
    for (const end = systemClock.nowMs() + 10_000; systemClock.nowMs() < end;) {
      const found = look();
      if (found !== undefined) return found;
      await setImmediate();
    }
    assert.fail(`never came; the states were ${states.join()}`);
  };

  const deploy = async (number: number): Promise<string> => {
    const to = revisionName("weather", number);
    const next = registry.transaction();
    if ((await registry.resources(kinds.Revision).get(to)) === undefined)
      next.create(kinds.Revision, { name: to, spec: revisionSpec(number) });
    const { items } = await registry.resources(kinds.Deployment).list({ where: ({ spec }) => spec.to === to });
    const name = deploymentName(to, items.length + 1);
    const stored = await registry.resources(kinds.Server).read("weather");
    assert.ok(stored !== undefined);
    const { status, spec } = stored.resource;
    const from = status.route?.stable ?? null;
    next.create(kinds.Deployment, {
      name,
      spec: { server: "weather", from, to, strategy: spec.strategy, generation: stored.resource.metadata.generation },
    });
    next.putStatus(kinds.Server, stored, { ...status, deployment: name });
    return (await next.commit()).kind === "committed" ? name : await deploy(number);
  };

  return {
    store,
    registry,
    get controller() {
      return controller;
    },
    states,
    get published() {
      return bus.recent("weather", 1_000).toReversed();
    },
    until: (isSo) =>
      patiently(() => {
        const server = servers.get("weather");
        const own = replicas.ofServer("weather");
        return server !== undefined && isSo(server, own) ? own : undefined;
      }),
    untilDeployment: (name, isSo) =>
      patiently(() => {
        const deployment = deployments.get(name);
        return deployment !== undefined && isSo(deployment) ? deployment : undefined;
      }),
    deploy,
    async becomeReady(replica) {
      const name = replica?.metadata.name ?? "";
      await registry.resources(kinds.Replica).updateStatus(name, ({ status }) => ({ ...status, state: "ready" }));
    },
    async settle() {
      for (let turn = 0; turn < 20; turn++) await setImmediate();
    },
    async restart() {
      await controller[Symbol.asyncDispose]();
      controller = start();
    },
    async [Symbol.asyncDispose]() {
      await controller[Symbol.asyncDispose]();
      await storeEvents[Symbol.asyncDispose]();
      for (const informer of informers) await informer[Symbol.asyncDispose]();
      await store.close();
    },
  };
}
