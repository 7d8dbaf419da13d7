/** What a server's status says, as a pure function of its replicas. Writes nothing. */
import type { BreakerState, LastFailure, Replica, Server, ServerState, ServerStatus } from "@mcp-manager/api";
import { type Fact, serverFacts } from "./server-conditions.ts";

/** What a status is made from, at one moment. */
export interface StatusInput {
  readonly server: Server;
  readonly replicas: readonly Replica[];
  /** How many it should have; of one that is being deleted, none. */
  readonly desired: number;
  /** Name of the revision that the spec asks for. */
  readonly target: string | undefined;
  /** How many tools the server lists, when that is known. */
  readonly tools: number | undefined;
  /** Where its breaker is, when that is known. */
  readonly breaker: BreakerState | undefined;
  /** RFC 3339. */
  readonly now: string;
}

/** The status that fits; equal to the present one when nothing changed. */
export function serverStatus(input: StatusInput): ServerStatus {
  const { server, target } = input;
  const serving = input.replicas.filter(({ spec }) => spec.drain !== true);
  const ready = serving.filter(({ status }) => status.state === "ready");
  const desired = server.metadata.deletedAt === undefined ? input.desired : 0;
  const state = stateOf(server, serving, ready.length, desired);
  const revision = stableRevision(server, ready, target);
  const failure = lastFailure(serving) ?? server.status.lastFailure;
  const tools = input.tools ?? server.status.tools;
  return {
    state,
    since: server.status.state === state ? (server.status.since ?? input.now) : input.now,
    ...(revision === undefined ? {} : { revision }),
    replicas: { desired, ready: ready.length },
    traffic: revision === undefined || ready.length === 0 ? [] : [{ revision, weight: 100 }],
    ...(input.breaker === undefined ? {} : { breaker: input.breaker }),
    ...(tools === undefined ? {} : { tools }),
    ...(failure === undefined ? {} : { lastFailure: failure }),
    conditions: serverFacts({ server, replicas: serving, state, ready: ready.length, desired, failure }).map((fact) =>
      since(server, fact, input.now),
    ),
    observedGeneration: server.metadata.generation,
  };
}

function stateOf(server: Server, serving: readonly Replica[], ready: number, desired: number): ServerState {
  if (server.metadata.deletedAt !== undefined) return "draining";
  if (desired === 0) return "idle";
  if (ready >= desired) return "ready";
  const asleep = serving.filter(({ status }) => status.state === "idle").length;
  if (ready > 0) return ready + asleep >= desired ? "ready" : "degraded";
  if (asleep > 0) return "idle";
  if (serving.some(({ status }) => status.state === "failed" || status.lastFailure !== undefined)) return "failed";
  return serving.some(({ status }) => status.state === "starting") ? "starting" : "pending";
}

/** The target once a copy of it is ready; before that what was stable, or, for a first one, what is to be. */
function stableRevision(server: Server, ready: readonly Replica[], target: string | undefined): string | undefined {
  if (ready.some(({ spec }) => spec.revision === target)) return target;
  return server.status.revision ?? target;
}

function lastFailure(replicas: readonly Replica[]): LastFailure | undefined {
  return replicas
    .flatMap(({ status }) => status.lastFailure ?? [])
    .toSorted((a, b) => (a.at < b.at ? 1 : -1))
    .at(0);
}

/** `since` is when the status last changed, so it is taken over while it stays the same. */
function since(server: Server, fact: Fact, now: string): Server["status"]["conditions"][number] {
  const before = server.status.conditions.find(({ type }) => type === fact.type);
  return { ...fact, since: before?.status === fact.status ? before.since : now };
}
