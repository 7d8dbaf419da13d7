/**
 * Which servers there are and how they are reached by name: an immutable table, built from the Server resources and swapped
 * whole. A call reads it once and keeps that view to its end. Holds no connections and makes no decisions.
 */
import { isDeepStrictEqual } from "node:util";
import { durationMs, type Route, type Server, type ServerState, type Sharing } from "@mcp-manager/api";
import type { GuardRules } from "../../resilience/guard.ts";
import { Exposure } from "./exposure.ts";
import { guardRules } from "./guard-rules.ts";

/** Why a server cannot be reached, as its status says. */
export interface Trouble {
  readonly state: ServerState;
  /** In words: the state, and the last failure where there was one. */
  readonly message: string;
}

/** One server as routing sees it. */
export interface ServerRoute {
  readonly name: string;
  /** One that is made again under a name has another. */
  readonly uid: string;
  readonly exposure: Exposure;
  readonly callTimeoutMs: number;
  /** Who shares a process or a legacy session: what one caller finds there, another may not. */
  readonly sharing: Sharing;
  /** What protects it and others from it; the same object while it says the same. */
  readonly rules: GuardRules;
  /** Undefined when nothing is known against it. */
  readonly trouble: Trouble | undefined;
  /** Which revisions serve it; the same object while it says the same. Undefined: any ready replica does. */
  readonly revisions: Route | undefined;
  /** The spec's revision that this route was built from. */
  readonly specRevision: string;
}

export interface RoutingTable {
  /** Grows by one with every table that differs from the one before. */
  readonly generation: number;
  /** By server name, in name order. */
  readonly servers: ReadonlyMap<string, ServerRoute>;
  /** By the prefix on the aggregate, in lower case. */
  readonly byPrefix: ReadonlyMap<string, ServerRoute>;
  /** Those of which two revisions take new work. */
  readonly moving: readonly ServerRoute[];
}

/** Before anything is registered. */
export const emptyTable: RoutingTable = { generation: 0, servers: new Map(), byPrefix: new Map(), moving: [] };

/** The next table; routes whose spec did not change are taken over, and so is the whole of `previous` when none did. */
export function buildRoutingTable(previous: RoutingTable, servers: readonly Server[]): RoutingTable {
  const registered = servers
    .filter((server) => server.metadata.deletedAt === undefined)
    .sort((a, b) => compare(a.metadata.name, b.metadata.name));
  const known = registered.map(({ metadata }) => previous.servers.get(metadata.name));
  const isWhole = registered.length === previous.servers.size;
  // Most changes are of statuses alone, and those move no prefix.
  const hasSameSpecs = isWhole && registered.every(({ metadata }, at) => known[at]?.specRevision === metadata.revision);
  const prefixes = hasSameSpecs ? undefined : prefixesOf(registered);
  const routes = registered.map((server, at) => {
    const { name } = server.metadata;
    return routeOf(known[at], server, prefixes?.get(name) ?? known[at]?.exposure.prefix ?? name);
  });
  if (isWhole && routes.every((route, at) => route === known[at])) return previous;
  return {
    generation: previous.generation + 1,
    servers: new Map(routes.map((route) => [route.name, route])),
    byPrefix: new Map(routes.map((route) => [route.exposure.prefix.toLowerCase(), route])),
    moving: routes.filter(({ revisions }) => revisions?.next !== undefined),
  };
}

/**
 * The prefix of each server: the one it asks for, unless an older server has it. The oldest chooses first, so that adding a
 * server renames nothing that was there; the order is in the resources, so that every instance comes to the same. Prefixes that
 * differ only in case are one: they are schemes of URIs. The servers come in order of names, which holds among those of one age.
 */
function prefixesOf(servers: readonly Server[]): ReadonlyMap<string, string> {
  const oldestFirst = servers.toSorted((a, b) => compare(a.metadata.createdAt, b.metadata.createdAt));
  const taken = new Set<string>();
  return new Map(
    oldestFirst.map(({ metadata: { name }, spec }) => {
      const prefix =
        [spec.expose.prefix ?? name, name].find((p) => !taken.has(p.toLowerCase())) ?? numbered(name, taken);
      taken.add(prefix.toLowerCase());
      return [name, prefix];
    }),
  );
}

function numbered(name: string, taken: ReadonlySet<string>): string {
  let number = 2;
  while (taken.has(`${name}-${number}`)) number++;
  return `${name}-${number}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function routeOf(known: ServerRoute | undefined, server: Server, prefix: string): ServerRoute {
  const { name, uid, revision } = server.metadata;
  const trouble = troubleOf(server);
  const revisions = sameRevisions(known?.revisions, server.status.route);
  if (known?.specRevision === revision && known.exposure.prefix === prefix) {
    const isSame = sameTrouble(known.trouble, trouble) && known.revisions === revisions;
    return isSame ? known : { ...known, trouble, revisions };
  }
  return {
    name,
    uid,
    exposure: new Exposure(prefix, server.spec.expose),
    callTimeoutMs: durationMs(server.spec.limits.callTimeout),
    sharing: server.spec.sharing,
    rules: guardRules(server.spec, known?.rules),
    trouble,
    revisions,
    specRevision: revision,
  };
}

function troubleOf({ status: { state, lastFailure } }: Server): Trouble | undefined {
  if (state === "ready" || state === "degraded") return undefined;
  return { state, message: lastFailure === undefined ? `it is ${state}` : `it is ${state}: ${lastFailure.message}` };
}

function sameTrouble(a: Trouble | undefined, b: Trouble | undefined): boolean {
  return a?.state === b?.state && a?.message === b?.message;
}

/** Each status that is read is an object of its own; what it says changes seldom. */
function sameRevisions(known: Route | undefined, route: Route | undefined): Route | undefined {
  return isDeepStrictEqual(known, route) ? known : route;
}
