/**
 * A deployment's way through its phases: one function from a status to the next. It says what makes each phase end; a status that it
 * gives back in the same phase waits.
 *
 *   Pending ──▶ SchemaCheck ──▶ TtlClamp ──▶ Progressing ──▶ Promoting ──▶ Draining ──▶ Completed
 *                    ⇅                            ⇅              until here it may go back: Aborting ──▶ Aborted
 *                  Paused                       Paused           or end as Failed, with what served before serving on
 */
import type { DeploymentStatus } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import { changed, entered, finished, withProgress } from "./changes.ts";
import { givenWay, hasCallsAt } from "./draining.ts";
import { checked, clamped } from "./gate.ts";
import { progressing, waiting } from "./progressing.ts";
import { failuresOf, isBare, progressOf, type Situation } from "./situation.ts";
import type { RolloutStrategy } from "./strategies/strategy.ts";
import { crashing, failedToStart, failedWith, goingBack, takenBack } from "./trouble.ts";

/** The next status, for one that is in a phase at this moment; of the same phase when it waits there. */
export function next(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  if (situation.server.metadata.deletedAt !== undefined && !isOver(status))
    return finished(status, "Aborted", situation.now, { reason: "ServerDeleted", message: "the server was deleted" });
  switch (status.phase) {
    case "Pending":
      return begun(situation, status);
    case "SchemaCheck":
      return checked(situation, strategy, status);
    case "TtlClamp":
      return clamped(situation, status);
    case "Progressing":
      return progressing(situation, strategy, status);
    case "Paused":
      return waiting(situation, status);
    case "Promoting":
      return promoting(situation, strategy, status);
    case "Draining":
      return draining(situation, status);
    case "Aborting":
      return aborting(situation, status);
    case "Completed":
    case "Aborted":
    case "Failed":
      return status;
  }
}

function begun(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const { room, now } = situation;
  if (room.kind === "lacking")
    return failedWith(situation, status, { reason: "ResourceExhausted", message: room.message });
  const begins = withProgress(status, { failedBefore: failuresOf(situation) || undefined });
  return entered(begins, isBare(situation) ? "Progressing" : "SchemaCheck", now);
}

function promoting(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  if (isBare(situation)) return entered(status, "Progressing", situation.now);
  if (situation.new.ready.length >= enough(situation, strategy)) return switched(situation, strategy, status);
  const crash = crashing(situation);
  if (crash !== undefined) return goingBack(situation, status, crash);
  const cause = failedToStart(situation, status);
  return cause === undefined ? status : failedWith(situation, status, cause);
}

/** A way back needs as many as there should be; it starts none one by one. */
function enough(situation: Situation, strategy: RolloutStrategy): number {
  return situation.deployment.spec.rollback === true ? situation.desired : strategy.enough(situation);
}

/** All new traffic goes to the new revision; what the old one has begun may take its time. */
function switched(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DeploymentStatus {
  const { from, to, now, deployment } = situation;
  const at = changed(entered(status, "Draining", now), {
    traffic: { target: 100 },
    message: `all new traffic goes to ${to}; what began on ${from ?? "the old revision"} finishes there`,
    reason: deployment.spec.rollback === true ? "RolledBack" : undefined,
  });
  return withProgress(at, {
    ...givenWay(situation, status),
    keptMs: strategy.keepMs === 0 ? undefined : strategy.keepMs,
  });
}

function draining(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const { from, to, now } = situation;
  if (from !== null && progressOf(status).draining?.[from] !== undefined) return status;
  return finished(status, "Completed", now, { reason: status.reason, message: `all traffic goes to ${to}` });
}

function aborting(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const { to, from, now, server } = situation;
  const isAsked = status.traffic.target > 0 || server.status.route?.next?.revision === to;
  const back = isAsked && server.status.route?.stable !== to ? takenBack(situation, status) : status;
  const begins = back === status ? status : withProgress(back, { elapsedMs: 0 });
  // What is left of tasks goes on when it is over.
  if (hasCallsAt(begins, to)) return begins;
  const message = status.message ?? (from === null ? "it was aborted" : `all traffic goes to ${from} again`);
  return finished(begins, "Aborted", now, { reason: status.reason, message });
}
