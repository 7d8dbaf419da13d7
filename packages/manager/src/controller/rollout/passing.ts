/**
 * What the mere passing of time does to a deployment, whatever its phase: its times go on, copies become old enough to count, and
 * revisions that drain are let go when nothing depends on them or their time is over. Time here is what a monotonic clock counted.
 */
import type { DeploymentProgress, DeploymentStatus } from "@mcp-manager/api";
import { durationMs, isOver } from "@mcp-manager/api";
import { stanceOf, withProgress } from "./changes.ts";
import type { PendingWork } from "../../telemetry/revision-measures.ts";
import { copiesOf, progressOf, type Situation } from "./situation.ts";
import type { RolloutStrategy } from "./strategies/strategy.ts";
import { watched } from "./watch.ts";

/** That nothing depends on a revision is believed after so long: by then every caller goes by the route without it. */
const settleMs = 1_000;
/** What went to a revision that traffic was taken back from may take so long. */
export const inFlightMs = 30_000;

/** The status after the time that has passed since it was written. */
export function passed(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  const { passedMs } = situation;
  const progress = progressOf(status);
  const aged = withProgress(status, {
    ...times(situation, status),
    draining: stillDraining(situation, strategy, status),
    keptMs: progress.keptMs === undefined ? undefined : Math.max(0, progress.keptMs - passedMs) || undefined,
    ready: isOver(status) ? undefined : readyTimes(situation, strategy, progress),
  });
  const isWatched = status.traffic.target > 0 && stanceOf(status) === "Progressing";
  return isWatched ? watched(situation, aged) : aged;
}

function times(situation: Situation, status: DeploymentStatus): Pick<DeploymentProgress, "elapsedMs" | "stalledMs"> {
  const { passedMs } = situation;
  const { elapsedMs, stalledMs, draining } = progressOf(status);
  const isCounted = status.phase !== "Paused" && (!isOver(status) || draining !== undefined);
  const hasMoved = situation.new.ready.length > status.replicas.to.ready;
  const isStalling = isCounted && !isOver(status) && status.phase !== "TtlClamp";
  return {
    elapsedMs: isCounted ? elapsedMs + passedMs : elapsedMs,
    stalledMs: hasMoved ? 0 : isStalling ? stalledMs + passedMs : stalledMs,
  };
}

function readyTimes(
  { new: { ready }, passedMs }: Situation,
  { minReadyMs }: RolloutStrategy,
  progress: DeploymentProgress,
): Readonly<Record<string, number>> | undefined {
  if (minReadyMs === 0 || ready.length === 0) return undefined;
  const entries = ready.map(({ metadata: { name } }): [string, number] => {
    const before = progress.ready?.[name];
    return [name, before === undefined ? 0 : Math.min(minReadyMs, before + passedMs)];
  });
  return Object.fromEntries(entries);
}

function stillDraining(
  situation: Situation,
  strategy: RolloutStrategy,
  status: DeploymentStatus,
): Readonly<Record<string, number>> | undefined {
  const { draining, elapsedMs } = progressOf(status);
  if (situation.server.metadata.deletedAt !== undefined) return undefined;
  const left = Object.entries(adopted(situation, draining ?? {})).flatMap(([revision, leftMs]): [string, number][] => {
    const nowMs = leftMs - situation.passedMs;
    const isFree = elapsedMs + situation.passedMs >= settleMs && mayEnd(situation, strategy, revision);
    return nowMs <= 0 || isFree ? [] : [[revision, nowMs]];
  });
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

/** Whether nothing depends on a revision any more; what gives way to the stable one stays until that is at its strength again. */
function mayEnd(situation: Situation, strategy: RolloutStrategy, revision: string): boolean {
  const { to, from, server, leftovers, replicas, pending } = situation;
  const stable = server.status.route?.stable ?? null;
  const isSwitched = stable === to;
  const work = revision === (isSwitched ? from : to) ? pending : leftovers?.get(revision);
  return isIdle(work) && (isSwitched || copiesOf(replicas, stable).ready.length >= strategy.floor(situation));
}

function isIdle(pending: PendingWork | undefined): boolean {
  return pending !== undefined && Object.values(pending).every((amount) => amount === 0);
}

/** What earlier deployments left in the route drains on under this one, each revision for the time that it may have. */
function adopted(
  { server, to }: Situation,
  draining: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const { next, draining: named = [] } = server.status.route ?? {};
  const drainMs = durationMs(server.spec.deployment.drainTimeout);
  const heir: Record<string, number> = { ...draining };
  for (const revision of named) heir[revision] ??= drainMs;
  if (next !== undefined && next.revision !== to) heir[next.revision] ??= Math.min(drainMs, inFlightMs);
  return heir;
}
