/** Composition of what runs servers: runtimes, the agent, the controller. Decides nothing. */
import { availableParallelism } from "node:os";
import { type BreakerState, sizeBytes } from "@mcp-manager/api";
import { Agent } from "../agent/agent.ts";
import { ReplicaLogs } from "../agent/logs.ts";
import { countProbes } from "../agent/probe-metrics.ts";
import { createOpener } from "../agent/opener.ts";
import type { Settings } from "../config/settings.ts";
import { Controller } from "../controller/controller.ts";
import type { Capacity } from "../controller/rollout/capacity.ts";
import { compareCatalogues } from "../controller/schema/compare.ts";
import { collectDeploymentMetrics } from "../controller/deployment-metrics.ts";
import { collectStateMetrics } from "../controller/state-metrics.ts";
import { removeHome, retainHomes } from "../runtime/homes.ts";
import { createRuntimes } from "../runtime/runtimes.ts";
import { createRedact, redact } from "../security/redact.ts";
import { readSecretFile, resolveReferences } from "../security/references.ts";
import type { DataPlane } from "./data-plane.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";

/** The name of this instance in Replica records; on an embedded store there is one. */
const node = "local";
/** Most of a start is waiting, for a process to load or a remote server to answer. */
const startsMin = 4;
/** After the calls of clients have ended, what is still in flight is the manager's own. */
const agentGraceMs = 1_000;

/** What runs servers, as far as others need it. */
export interface Control {
  readonly logs: ReplicaLogs;
}

/** What decides which replicas there are, and what runs them here. What an earlier life left running is ended first. */
export async function openControl(
  options: ManagerOptions,
  state: State,
  plane: DataPlane,
  scope: AsyncDisposableStack,
): Promise<Control> {
  const { settings, env, clock, random, logger } = options;
  const { registry, servers, revisions, deployments, replicas, events } = state;
  const { data: dataDir, sandbox } = settings;
  const runtimes = createRuntimes({ dataDir, clock, random, baseEnv: env, sandbox });
  const swept = await runtimes.process.sweep();
  if (swept > 0) logger.warn("ended processes that an earlier manager left running", { count: swept });
  const configured = options.servers.map(({ draft }) => draft.name);
  await retainHomes(dataDir, new Set([...configured, ...servers.list().map(({ metadata }) => metadata.name)]));
  scope.defer(servers.onChange((name, server) => void (server === undefined && removeHome(dataDir, name))));
  const logs = new ReplicaLogs({ clock, redact });
  const sources = { env: (name: string): string | undefined => env[name], file: readSecretFile };
  const open = createOpener({
    runtimes,
    clock,
    random,
    resolve: (values, where) => resolveReferences(values, where, sources),
    redactor: createRedact,
  });
  const agent = new Agent({
    registry,
    servers,
    revisions,
    replicas,
    node,
    open,
    upstreams: plane.upstreams,
    logs,
    startsMax: settings.agent.startConcurrency || Math.max(startsMin, availableParallelism()),
    graceMs: agentGraceMs,
    spares: settings.agent.spares,
    sparesMax: settings.agent.sparesMax,
    wheel: plane.wheel,
    idle: plane.idle,
    useOf: plane.useOf,
    events,
    probed: countProbes(state.metrics),
    clock,
    random,
    logger,
  });
  scope.use(agent);
  await agent.start();
  const toolCount = (server: string): number | undefined => plane.tools.count(server);
  const breakerOf = (server: string): BreakerState | undefined => plane.guards.of(server)?.breaker;
  const controller = scope.use(
    new Controller({
      registry,
      servers,
      revisions,
      deployments: state.deployments,
      catalogues: state.catalogues,
      replicas,
      node,
      measures: plane.measures,
      compareTexts: compareCatalogues,
      capacity: capacityOf(settings.capacity),
      toolCount,
      breakerOf,
      callsOf: (server) => plane.callsOf(server),
      clock,
      random,
      logger,
    }),
  );
  scope.defer(plane.catalog.onChange((server) => controller.look(server)));
  scope.defer(plane.guards.onChange((server) => controller.look(server)));
  scope.defer(collectStateMetrics(state.metrics, servers, replicas));
  collectDeploymentMetrics(state.metrics, servers, deployments);
  return { logs };
}

/** What deployments may take of this instance; a bound of 0 is none. */
function capacityOf({ replicas, processes, memory }: Settings["capacity"]): Capacity {
  const memoryBytes = sizeBytes(memory);
  return {
    ...(replicas === 0 ? {} : { replicas }),
    ...(processes === 0 ? {} : { processes }),
    ...(memoryBytes === 0 ? {} : { memoryBytes }),
  };
}
