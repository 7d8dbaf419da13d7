/** What a server's status says, as a pure function of its replicas and its newest deployment. Writes nothing. */
import type {
  BreakerState,
  Deployment,
  LastFailure,
  Replica,
  Route,
  Server,
  ServerState,
  ServerStatus,
} from "@mcp-manager/api";
import { type Fact, serverFacts } from "./server-conditions.ts";
import { wentBack } from "./went-back.ts";

/** What a status is made from, at one moment. */
export interface StatusInput {
  readonly server: Server;
  readonly replicas: readonly Replica[];
  /** How many it should have; of one that is being deleted, none. */
  readonly desired: number;
  /** Name of the revision that the spec asks for. */
  readonly target: string | undefined;
  /** The newest; undefined for a server from before there were deployments. */
  readonly deployment: Deployment | undefined;
  readonly route: Route | undefined;
  /** How many tools the server lists, when that is known. */
  readonly tools: number | undefined;
  /** Where its breaker is, when that is known. */
  readonly breaker: BreakerState | undefined;
  /** RFC 3339. */
  readonly now: string;
}

/** The status that fits; equal to the present one when nothing changed. */
export function serverStatus(input: StatusInput): ServerStatus {
  const { server, deployment, route } = input;
  const serving = input.replicas.filter(({ spec }) => spec.drain !== true);
  const asked = takingTraffic(serving, route);
  const ready = asked.filter(({ status }) => status.state === "ready");
  const desired = server.metadata.deletedAt === undefined ? input.desired : 0;
  const back = deployment === undefined ? undefined : wentBack(deployment);
  const state = stateOf(input, asked, ready.length, desired, back !== undefined);
  const revision = stableRevision(input, ready);
  const failure = lastFailure(serving) ?? server.status.lastFailure;
  const tools = input.tools ?? server.status.tools;
  const facts = { replicas: serving, state, ready: ready.length, desired, failure, deployment, back };
  return {
    state,
    since: server.status.state === state ? (server.status.since ?? input.now) : input.now,
    ...(revision === undefined ? {} : { revision }),
    replicas: { desired, ready: ready.length },
    traffic: revision === undefined || ready.length === 0 ? [] : trafficOf(revision, route),
    ...(route === undefined ? {} : { route }),
    ...(server.status.deployment === undefined ? {} : { deployment: server.status.deployment }),
    ...(back === undefined || deployment === undefined ? {} : { abortedGeneration: deployment.spec.generation }),
    ...(input.breaker === undefined ? {} : { breaker: input.breaker }),
    ...(tools === undefined ? {} : { tools }),
    ...(failure === undefined ? {} : { lastFailure: failure }),
    conditions: serverFacts(facts).map((fact) => since(server, fact, input.now)),
    observedGeneration: server.metadata.generation,
  };
}

/** Those that new calls are sent to; all of them while there are none such. */
function takingTraffic(serving: readonly Replica[], route: Route | undefined): readonly Replica[] {
  if (route === undefined) return serving;
  const next = (route.next?.weight ?? 0) > 0 ? route.next?.revision : undefined;
  const found = serving.filter(({ spec }) => spec.revision === route.stable || spec.revision === next);
  return found.length > 0 ? found : serving;
}

function stateOf(
  { server, deployment }: StatusInput,
  serving: readonly Replica[],
  ready: number,
  desired: number,
  isBack: boolean,
): ServerState {
  if (server.metadata.deletedAt !== undefined) return "draining";
  if (desired === 0) return "idle";
  if (ready >= desired) return isBack ? "degraded" : "ready";
  const asleep = serving.filter(({ status }) => status.state === "idle").length;
  if (ready > 0) return ready + asleep >= desired && !isBack ? "ready" : "degraded";
  if (asleep > 0) return "idle";
  if (serving.some(({ status }) => status.state === "failed" || status.lastFailure !== undefined)) return "failed";
  if (serving.length === 0 && deployment?.status.reason === "ResourceExhausted") return "failed";
  return serving.some(({ status }) => status.state === "starting") ? "starting" : "pending";
}

/**
 * The one that is routed to. Without deployments the target once a copy of it is ready; before that what was stable, or, for a first
 * one, what is to be.
 */
function stableRevision(input: StatusInput, ready: readonly Replica[]): string | undefined {
  const { server, deployment, route, target } = input;
  if (route !== undefined) return route.stable;
  if (deployment !== undefined) return deployment.spec.from ?? undefined;
  if (ready.some(({ spec }) => spec.revision === target)) return target;
  return server.status.revision ?? target;
}

function trafficOf(revision: string, route: Route | undefined): ServerStatus["traffic"] {
  const next = route?.next;
  if (next === undefined || next.weight <= 0) return [{ revision, weight: 100 }];
  const shares = [
    { revision, weight: 100 - next.weight },
    { revision: next.revision, weight: next.weight },
  ];
  return shares.filter(({ weight }) => weight > 0);
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
