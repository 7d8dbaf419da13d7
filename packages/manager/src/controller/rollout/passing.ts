/**
 * What the mere passing of time does to a deployment, whatever its phase: its times go on, copies become old enough to count, and
 * revisions that drain are let go (draining.ts). Time here is what a monotonic clock counted.
 */
import type { DeploymentProgress, DeploymentStatus } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import { stanceOf, withProgress } from "./changes.ts";
import { stillDraining } from "./draining.ts";
import { progressOf, type Situation } from "./situation.ts";
import type { RolloutStrategy } from "./strategies/strategy.ts";
import { watched } from "./watch.ts";

/** The status after the time that has passed since it was written. */
export function passed(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  const { passedMs } = situation;
  const progress = progressOf(status);
  const aged = withProgress(status, {
    ...times(situation, status),
    ...stillDraining(situation, strategy, status),
    keptMs: progress.keptMs === undefined ? undefined : Math.max(0, progress.keptMs - passedMs) || undefined,
    unstableMs: isOver(status) ? undefined : unstableTime(situation, progress),
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

function unstableTime({ gate, passedMs }: Situation, { unstableMs }: DeploymentProgress): number | undefined {
  if (gate.kind !== "unstable") return undefined;
  return unstableMs === undefined ? 0 : unstableMs + passedMs;
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
