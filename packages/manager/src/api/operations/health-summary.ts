/** How the manager and its servers are, as one answer: what is stored, and what this instance knows beside it. Pure. */
import type { LiveServer, Health, Server, ServerHealth, ServerState } from "@mcp-manager/api";
import type { LiveState, ProcessHealth } from "../ports.ts";

/** The summary of all `servers`. */
export function healthSummary(servers: readonly Server[], process: ProcessHealth, live: LiveState): Health {
  const store = process.store();
  const overload = process.overload();
  const config = process.config();
  const shown = servers.map((server) => serverHealth(server, live.server(server.metadata.name)));
  const isWell = servers.every(({ status }) => ["ready", "idle", "draining"].includes(status.state));
  return {
    status: store === "ok" ? (isWell ? "ok" : "degraded") : "failed",
    version: process.version,
    startedAt: process.startedAt,
    store,
    ...(overload === undefined ? {} : { overload }),
    ...(config === undefined ? {} : { config }),
    states: counted(shown),
    servers: shown,
  };
}

function counted(servers: readonly ServerHealth[]): Readonly<Partial<Record<ServerState, number>>> {
  const counts: Partial<Record<ServerState, number>> = {};
  for (const { state } of servers) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function serverHealth(server: Server, live: LiveServer | undefined): ServerHealth {
  const { metadata, status } = server;
  const { replicas, lastFailure } = status;
  const state = metadata.deletedAt === undefined ? status.state : "draining";
  const isWell = state === "ready" || state === "idle";
  const attention = [stateTrouble(server, state), breakerTrouble(live)].filter((text) => text !== undefined).join("; ");
  return {
    name: metadata.name,
    state,
    replicas,
    ...(live === undefined || live.breaker === "closed" ? {} : { breaker: live.breaker }),
    ...(attention === "" ? {} : { attention }),
    ...(lastFailure === undefined || isWell ? {} : { lastFailure }),
  };
}

/** Why a server does not do all that is wanted of it, when it should. */
function stateTrouble({ status }: Server, state: ServerState): string | undefined {
  const told = (type: string): string | undefined =>
    status.conditions.find((condition) => condition.type === type && condition.message !== "")?.message;
  const available = told("Available");
  const failure = status.lastFailure?.message;
  if (state === "failed") return available ?? failure ?? "no replica could be started";
  // Said only while it is not healthy, which one that takes calls may be too.
  if (state !== "degraded") return told("Healthy");
  return [available, failure].filter((text) => text !== undefined).join("; ");
}

/** Why calls are refused, or may be sent to a server that fails. */
function breakerTrouble(live: LiveServer | undefined): string | undefined {
  if (live?.breakerDetail === undefined) return undefined;
  const { breaker, breakerDetail } = live;
  const { reason, forcedBy, tools = [] } = breakerDetail;
  if (forcedBy !== undefined) return `the breaker is ${reason} (${forcedBy})`;
  if (breaker !== "closed") return `the breaker is ${breaker}: ${reason}`;
  const names = tools.map(({ tool, state }) => `${tool} (${state})`).join(", ");
  return names === "" ? undefined : `breakers of single tools are not closed: ${names}`;
}
