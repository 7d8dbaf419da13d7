/** What a server's status says, as a pure function of its replicas. Writes nothing. */
import type {
  BreakerState,
  Condition,
  LastFailure,
  Replica,
  Server,
  ServerState,
  ServerStatus,
} from "@mcp-manager/api";
import { notYetEnforced } from "@mcp-manager/api";

/** What a status is made from, at one moment. */
export interface StatusInput {
  readonly server: Server;
  readonly replicas: readonly Replica[];
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
  const desired = server.metadata.deletedAt === undefined ? server.spec.replicas : 0;
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
    conditions: [
      since(server, available(state, ready.length, desired, failure), input.now),
      since(server, enforced(server), input.now),
    ],
    observedGeneration: server.metadata.generation,
  };
}

function stateOf(server: Server, serving: readonly Replica[], ready: number, desired: number): ServerState {
  if (server.metadata.deletedAt !== undefined) return "draining";
  if (desired === 0) return "idle";
  if (ready >= desired) return "ready";
  if (ready > 0) return "degraded";
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

type Fact = Omit<Condition, "since">;

function available(state: ServerState, ready: number, desired: number, failure: LastFailure | undefined): Fact {
  const type = "Available";
  switch (state) {
    case "ready":
      return { type, status: "True", reason: "ReplicasReady", message: `${ready} of ${desired} replicas are ready` };
    case "degraded":
      return {
        type,
        status: "True",
        reason: "SomeReplicasReady",
        message: `${ready} of ${desired} replicas are ready`,
      };
    case "pending":
    case "starting":
      return { type, status: "False", reason: "Starting", message: "no replica is ready yet" };
    case "idle":
      return { type, status: "False", reason: "NoReplicasWanted", message: "spec.replicas is 0" };
    case "draining":
      return { type, status: "False", reason: "Deleted", message: "the server is being deleted" };
    case "failed": {
      const message = failure?.message ?? "no replica could be started";
      return { type, status: "False", reason: "StartFailed", message };
    }
  }
}

/** Which of the things asked for are kept without effect, so that nobody believes in a protection that is not there. */
function enforced({ spec }: Server): Fact {
  const fields = notYetEnforced(spec);
  const type = "FullyEnforced";
  if (fields.length === 0)
    return { type, status: "True", reason: "AllInForce", message: "all that differs from the defaults is in force" };
  return { type, status: "False", reason: "NotYetAvailable", message: `kept without effect: ${fields.join(", ")}` };
}

/** `since` is when the status last changed, so it is taken over while it stays the same. */
function since(server: Server, fact: Fact, now: string): Condition {
  const before = server.status.conditions.find(({ type }) => type === fact.type);
  return { ...fact, since: before?.status === fact.status ? before.since : now };
}
