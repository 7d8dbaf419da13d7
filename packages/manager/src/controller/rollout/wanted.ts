/** How many replicas there should be of each revision, as a deployment's status says it. Pure; who they are is the plan's. */
import type { DeploymentStatus } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import { stanceOf } from "./changes.ts";
import { tried } from "./gate.ts";
import { moveOf } from "./progressing.ts";
import { stableOf } from "./route.ts";
import { copiesOf, isBare, isGone, progressOf, type Situation } from "./situation.ts";
import type { Counts, RolloutStrategy } from "./strategies/strategy.ts";

/** By revision; what drains keeps what it has. */
export function wantedOf(
  situation: Situation,
  strategy: RolloutStrategy,
  status: DeploymentStatus,
): ReadonlyMap<string, number> {
  const { server, from, to } = situation;
  if (server.metadata.deletedAt !== undefined) return new Map();
  const counts = countsOf(situation, strategy, status);
  const wanted = new Map([[to, counts.to]]);
  if (from !== null) wanted.set(from, counts.from);
  for (const revision of Object.keys(progressOf(status).draining ?? {})) {
    const { length } = copiesOf(situation.replicas, revision).present;
    wanted.set(revision, Math.max(wanted.get(revision) ?? 0, length));
  }
  return wanted;
}

/** Of the two revisions, draining aside. */
function countsOf(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): Counts {
  const stance = stanceOf(status);
  switch (stance) {
    case "Draining":
    case "Completed":
      return after(situation, strategy, status);
    case "Aborting":
    case "Aborted":
    case "Failed":
      return back(situation, strategy, status);
    default:
      if (isBare(situation)) return only(situation, strategy);
  }
  switch (stance) {
    case "Pending":
    case "SchemaCheck":
    case "TtlClamp":
      return tried(situation, strategy);
    case "Progressing":
      return moveOf(situation, strategy, status).counts;
    case "Promoting":
      return situation.deployment.spec.rollback === true
        ? tried(situation, strategy)
        : strategy.promoting(situation, status);
    case "Paused":
      return { from: situation.old.present.length, to: situation.new.present.length };
  }
}

function only({ hasOthers, desired, new: { present } }: Situation, { isExclusive }: RolloutStrategy): Counts {
  return { from: 0, to: isExclusive && hasOthers ? present.length : desired };
}

/** After the switch the old ones stay while something began there, or for a way back; the new ones make use of what is left. */
function after(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): Counts {
  const { desired, from, old } = situation;
  const { draining, keptMs } = progressOf(status);
  const isKept = keptMs !== undefined || (from !== null && draining?.[from] !== undefined);
  const kept = isKept ? old.present.length : 0;
  const { length } = situation.new.present;
  if (strategy.isExclusive && situation.hasOthers) return { from: kept, to: length };
  return { from: kept, to: Math.min(desired, Math.max(length, strategy.most(situation) - kept)) };
}

/** Back where it was; where there is nothing to go back to, the new revision is tried on, unless there is no room for it. */
function back(situation: Situation, { isExclusive }: RolloutStrategy, status: DeploymentStatus): Counts {
  const { from, to, desired, replicas } = situation;
  const stable = stableOf(situation, status) ?? from;
  if (stable === null && status.reason === "ResourceExhausted")
    return { from: 0, to: Math.min(desired, situation.new.present.length) };
  const served = stable ?? to;
  const isInTheWay = isExclusive && replicas.some((one) => one.spec.revision !== served && !isGone(one));
  const count = isInTheWay ? copiesOf(replicas, served).present.length : desired;
  return served === to ? { from: 0, to: count } : { from: count, to: 0 };
}

/** As a status shows it. */
export function countedOf(
  situation: Situation,
  status: DeploymentStatus,
  wanted: ReadonlyMap<string, number>,
): DeploymentStatus["replicas"] {
  // What became of a deployment that is over is its own story no more.
  if (isOver(status) && isOver(situation.deployment.status)) return status.replicas;
  const { from, to, old } = situation;
  return {
    from: { desired: from === null ? 0 : (wanted.get(from) ?? 0), ready: old.ready.length },
    to: { desired: wanted.get(to) ?? 0, ready: situation.new.ready.length },
  };
}
