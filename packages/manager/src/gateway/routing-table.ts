/**
 * Which servers there are and how they are reached by name: an immutable table, built from the Server resources and swapped
 * whole. A call reads it once and keeps that view to its end. Holds no connections and makes no decisions.
 */
import { durationMs, type Server } from "@mcp-manager/api";
import { Exposure } from "./exposure.ts";

/** One server as routing sees it. */
export interface ServerRoute {
  readonly name: string;
  readonly exposure: Exposure;
  readonly callTimeoutMs: number;
  /** In words, why the server cannot be reached, when its status says so. */
  readonly trouble: string | undefined;
  /** The spec's revision that this route was built from. */
  readonly specRevision: string;
}

export interface RoutingTable {
  /** Grows by one with every swap. */
  readonly generation: number;
  /** By server name, in name order. */
  readonly servers: ReadonlyMap<string, ServerRoute>;
  /** By the prefix on the aggregate. */
  readonly byPrefix: ReadonlyMap<string, ServerRoute>;
}

export const emptyTable: RoutingTable = { generation: 0, servers: new Map(), byPrefix: new Map() };

/** The next table; routes whose spec did not change are taken over from `previous`. */
export function buildRoutingTable(previous: RoutingTable, servers: readonly Server[]): RoutingTable {
  const routes = servers
    .filter((server) => server.metadata.deletedAt === undefined)
    .map((server) => routeOf(previous.servers.get(server.metadata.name), server))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const byPrefix = new Map<string, ServerRoute>();
  // A server's own name wins over a prefix that another one chose, so that adding a server renames nothing that was there.
  for (const route of routes) if (route.exposure.prefix === route.name) byPrefix.set(route.name, route);
  const settled = routes.map((route) => {
    const holder = byPrefix.get(route.exposure.prefix);
    if (holder === route) return route;
    const fallback = holder === undefined ? route : { ...route, exposure: new Exposure(route.name, undefined) };
    byPrefix.set(fallback.exposure.prefix, fallback);
    return fallback;
  });
  return { generation: previous.generation + 1, servers: new Map(settled.map((r) => [r.name, r])), byPrefix };
}

function routeOf(known: ServerRoute | undefined, server: Server): ServerRoute {
  const trouble = troubleOf(server);
  if (known?.specRevision === server.metadata.revision)
    return known.trouble === trouble ? known : { ...known, trouble };
  const { name, revision } = server.metadata;
  return {
    name,
    exposure: new Exposure(server.spec.expose.prefix ?? name, server.spec.expose),
    callTimeoutMs: durationMs(server.spec.limits.callTimeout),
    trouble,
    specRevision: revision,
  };
}

function troubleOf(server: Server): string | undefined {
  const { state, lastFailure } = server.status;
  if (state === "ready" || state === "degraded") return undefined;
  return lastFailure === undefined ? `it is ${state}` : `it is ${state}: ${lastFailure.message}`;
}
