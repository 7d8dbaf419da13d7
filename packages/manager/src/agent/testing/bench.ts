/** An agent over a registry in memory, with scripted runs or real ones. */
import type { Replica, Server, ServerSpec } from "@mcp-manager/api";
import { runnablePart, serverDefaults } from "@mcp-manager/api";
import { systemClock } from "../../base/clock.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import { seededRandom } from "../../base/random.ts";
import { kinds } from "../../registry/kinds.ts";
import { Registry } from "../../registry/registry.ts";
import { openMemoryStore } from "../../store/memory.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { IdleServers } from "../../upstream/idle-servers.ts";
import { UpstreamSet } from "../../upstream/upstream-set.ts";
import { Agent } from "../agent.ts";
import { ReplicaLogs } from "../logs.ts";
import type { OpenRunFn } from "../run.ts";
import { ScriptedRuns } from "./runs.ts";

export interface AgentBench extends AsyncDisposable {
  readonly registry: Registry;
  readonly upstreams: UpstreamSet;
  readonly runs: ScriptedRuns;
  readonly logs: ReplicaLogs;
  readonly agent: Agent;
  /** Registers a server with its first revision. */
  server(source?: ServerSpec["source"], more?: Partial<ServerSpec>): Promise<Server>;
  /** Places a replica of the server here. */
  place(name: string, node?: string): Promise<Replica>;
  /** The replica once it is as `isSo` says; fails after ten seconds. */
  until(name: string, isSo: (replica: Replica) => boolean): Promise<Replica>;
}

const defaultSource: ServerSpec["source"] = { kind: "process", command: "weather", args: [], env: {} };

/** `open` is what opens runs; default: the scripted ones. `startFirst: false` leaves the start to the test. */
export async function openAgent(options: { open?: OpenRunFn; startFirst?: boolean } = {}): Promise<AgentBench> {
  const clock = systemClock;
  const random = seededRandom(1);
  const store = await openMemoryStore({ clock, random });
  const registry = new Registry({ store, clock, random });
  const servers = registry.informer(kinds.Server);
  const revisions = registry.informer(kinds.Revision);
  const replicas = registry.informer(kinds.Replica);
  for (const informer of [servers, revisions, replicas]) informer.start();
  await Promise.all([servers.synced, revisions.synced, replicas.synced]);
  const runs = new ScriptedRuns();
  const upstreams = new UpstreamSet();
  const logs = new ReplicaLogs({ clock, redact: (text) => text });
  const wheel = new TimerWheel(clock);
  const agent = new Agent({
    spares: 0,
    sparesMax: 0,
    wheel,
    idle: new IdleServers(),
    useOf: () => ({ pending: 0, entered: 0 }),
    events: { publish: () => undefined },
    probed: () => undefined,
    registry,
    servers,
    revisions,
    replicas,
    node: "here",
    open: options.open ?? runs.open,
    upstreams,
    logs,
    startsMax: 4,
    graceMs: 100,
    clock,
    random,
    logger: silentLogger,
  });
  if (options.startFirst !== false) await agent.start();
  return {
    registry,
    upstreams,
    runs,
    logs,
    agent,
    async server(source = defaultSource, more = {}) {
      const spec: ServerSpec = { ...serverDefaults, source, ...more };
      const part = { ...runnablePart(spec), server: "weather", number: 1 };
      await registry.resources(kinds.Revision).create({ name: "weather-1", spec: part });
      return await registry.resources(kinds.Server).create({ name: "weather", spec });
    },
    place: (name, node = "here") =>
      registry
        .resources(kinds.Replica)
        .create({ name, spec: { server: "weather", revision: "weather-1", node, restartRound: 0 } }),
    async until(name, isSo) {
      const deadlineMs = clock.nowMs() + 10_000;
      for (;;) {
        const replica = await registry.resources(kinds.Replica).require(name);
        if (isSo(replica)) return replica;
        if (clock.nowMs() > deadlineMs) throw new Error(`it never came; now it is ${JSON.stringify(replica.status)}`);
        await clock.sleep(5);
      }
    },
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      for (const informer of [servers, revisions, replicas]) await informer[Symbol.asyncDispose]();
      await store.close();
    },
  };
}
