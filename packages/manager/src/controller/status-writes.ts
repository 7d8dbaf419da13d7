/**
 * What is to be written of a decision: pure. A deployment's way (its phase, step, weight, what people said) is written at once and
 * together with the route; what is only counted (time, figures) waits, so that traffic does not become writes. Every deployment but the
 * newest is over.
 */
import type { Deployment, DeploymentStatus, Route } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import { sameJson } from "../registry/transaction.ts";
import type { Observed } from "./observed.ts";
import type { RolloutDecision } from "./rollout/rollout.ts";

/** The status that one deployment is to have. */
export interface StatusChange {
  readonly name: string;
  readonly status: DeploymentStatus;
}

export interface StatusWrites {
  readonly deployments: readonly StatusChange[];
  /** The newest deployment as it then is. */
  readonly deployment: Deployment | undefined;
  readonly route: Route | undefined;
  /** Whether something goes on, which has to stand in the store before replicas follow it. */
  readonly isMove: boolean;
  /** Whether the shares of new work are others than before. */
  readonly isOtherShare: boolean;
  /** In so many milliseconds what was counted has to be written. */
  readonly dueMs?: number;
}

/** What was only counted is written at least so often, so that a restart loses no more. */
const countedMs = 5_000;

export function statusWritesOf(
  { server, deployment, deployments }: Observed,
  decision: RolloutDecision | undefined,
  passedMs: number,
  now: string,
): StatusWrites {
  const { route: before } = server.status;
  const superseded = deployments.flatMap((one) =>
    isSuperseded(one, deployment) ? [supersede(one, deployment, now)] : [],
  );
  if (deployment === undefined || decision === undefined)
    return { deployments: superseded, deployment, route: before, isMove: superseded.length > 0, isOtherShare: false };
  const { status, route } = decision;
  const isElsewhere = !sameJson(wayOf(status), wayOf(deployment.status));
  const isOtherRoute = !sameJson(route, before);
  const isCounted = !isElsewhere && !sameJson(status, deployment.status);
  const isWritten = isElsewhere || (isCounted && (isOtherRoute || passedMs >= countedMs));
  const name = deployment.metadata.name;
  return {
    deployments: isWritten ? [...superseded, { name, status }] : superseded,
    deployment: isWritten ? { ...deployment, status } : deployment,
    route,
    isMove: isElsewhere || isOtherRoute || superseded.length > 0,
    isOtherShare: !sameJson(sharesOf(route), sharesOf(before)),
    ...(isCounted && !isWritten ? { dueMs: countedMs - passedMs } : {}),
  };
}

/** What of a status is decided, not counted. */
function wayOf(status: DeploymentStatus): unknown {
  const { phase, reason, step, traffic, replicas, schemaDiff, finishedAt, progress = {} } = status;
  const place = step === undefined ? undefined : [step.index, step.of, step.weight];
  const remembered = Object.entries(progress).map(([key, value]) => [key, timeless(key, value)]);
  const going = Object.fromEntries(remembered) as Record<string, unknown>;
  return { phase, reason, place, weight: traffic.target, replicas, schemaDiff, finishedAt, going };
}

/** Times grow by themselves: only that one is taken, and of whom, is news. */
function timeless(key: string, value: unknown): unknown {
  if (isTally(key)) return value;
  if (typeof value === "number") return true;
  return typeof value === "object" && value !== null ? Object.keys(value).toSorted() : value;
}

/** What is counted one by one, and may not be lost. */
function isTally(key: string): boolean {
  return key === "failures" || key === "errors" || key === "failedBefore";
}

function sharesOf(route: Route | undefined): unknown {
  return [route?.stable, route?.next?.revision, route?.next?.weight];
}

function isSuperseded(one: Deployment, newest: Deployment | undefined): boolean {
  if (newest === undefined || isOver(one.status)) return false;
  return BigInt(one.metadata.revision) < BigInt(newest.metadata.revision);
}

function supersede({ metadata, status }: Deployment, newest: Deployment | undefined, now: string): StatusChange {
  const { step: _, ...rest } = status;
  const message = `deployment ${newest?.metadata.name ?? ""} took its place`;
  // It had all traffic; what still goes on at the revision before is the newer one's to wait for.
  if (status.phase === "Draining") {
    const done = { phase: "Completed", message, since: now, finishedAt: now } as const;
    return { name: metadata.name, status: { ...rest, ...done } };
  }
  const over = { phase: "Aborted", reason: "Superseded", message, since: now, finishedAt: now } as const;
  return { name: metadata.name, status: { ...rest, traffic: { target: 0 }, ...over } };
}
