/**
 * `Progressing` and the pauses in it: applies what the strategy says, and goes back when the new revision does not fare well. The
 * strategy decides weights and steps; here is what becomes of them.
 */
import type { DeploymentReason, DeploymentStatus } from "@mcp-manager/api";
import { changed, entered, finished, paused, withProgress } from "./changes.ts";
import { failuresOf, isBare, progressOf, type Situation } from "./situation.ts";
import type { Move, RolloutStrategy } from "./strategies/strategy.ts";
import { crashing, failedToStart, failedWith, goingBack, overdue } from "./trouble.ts";
import { alarmOf, closingResults, resultsOf } from "./watch.ts";

/** What a person was told already, where nothing goes back by itself. */
const judgements: ReadonlySet<DeploymentReason> = new Set(["CrashLoop", "AnalysisFailed", "UnstableLists"]);

/** A list may change while a server runs, and its copies hear of that one after the other: within so long they have to agree again. */
const agreeMs = 30_000;

/** Until all traffic may go over, or it goes back. */
export function progressing(
  situation: Situation,
  strategy: RolloutStrategy,
  status: DeploymentStatus,
): DeploymentStatus {
  const { now } = situation;
  if (isBare(situation)) return first(situation, status);
  const alarm = alarmed(situation, status);
  if (alarm !== undefined) return alarm;
  // Until it is known what all of them offer, nobody else is sent there.
  if (situation.gate.kind === "unstable") return status;
  if (progressOf(status).promoted === "full") return entered(status, "Promoting", now);
  const move = moveOf(situation, strategy, status);
  const there = applied(situation, status, move);
  switch (move.verdict.kind) {
    case "starting": {
      const cause = overdue(situation, there);
      return cause === undefined ? there : failedWith(situation, there, cause);
    }
    case "holding":
      return withProgress(there, { stalledMs: 0 });
    case "pausing":
      return paused(closed(situation, there), "Progressing", now, move.verdict);
    case "failing":
      return goingBack(situation, closed(situation, there), {
        reason: "AnalysisFailed",
        message: move.verdict.message,
      });
    case "stepping":
      return stepped(situation, closed(situation, there), move, move.verdict.index);
    case "done":
      return entered(closed(situation, there), "Promoting", now);
  }
}

/** In a pause traffic stays where it is, so what speaks against the new revision still counts. */
export function waiting(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const isJudged = status.reason !== undefined && judgements.has(status.reason);
  const isUnderWay = progressOf(status).resumeTo === "Progressing" && !isBare(situation);
  return isJudged || !isUnderWay ? status : (alarmed(situation, status) ?? status);
}

/** What the strategy wants here. */
export function moveOf(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): Move {
  const isPaused = status.phase === "Paused";
  return strategy.move(situation, { status, isPaused, results: closingResults(situation, status) });
}

/** A server's first revision, or one that takes the place of what never served: it is there when its copies are. */
function first(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const { desired, to, now } = situation;
  if (situation.new.ready.length >= desired) {
    const all = changed(status, { traffic: { target: 100 } });
    return finished(all, "Completed", now, { message: `all traffic goes to ${to}` });
  }
  const cause = failedToStart(situation, status);
  return cause === undefined ? status : failedWith(situation, status, cause);
}

function alarmed(situation: Situation, status: DeploymentStatus): DeploymentStatus | undefined {
  const { gate } = situation;
  // A copy that came later may be the one that offers something else.
  if (gate.kind === "unstable" && (progressOf(status).unstableMs ?? 0) >= agreeMs)
    return goingBack(situation, status, { reason: "UnstableLists", message: gate.message });
  const crash = crashing(situation);
  if (crash !== undefined) return goingBack(situation, status, crash);
  const alarm = alarmOf(situation, status);
  return alarm === undefined ? undefined : goingBack(situation, status, { reason: "AnalysisFailed", message: alarm });
}

/** At the weight and step of a move; the times of a new one begin now. */
function applied(situation: Situation, status: DeploymentStatus, { weight, step }: Move): DeploymentStatus {
  const isNew =
    weight !== status.traffic.target || step?.index !== status.step?.index || step?.weight !== status.step?.weight;
  if (!isNew) return status;
  const isFirst = weight > 0 && status.traffic.target === 0;
  const at = changed(status, {
    traffic: { target: weight },
    ...(step === undefined ? {} : { step: { ...step, since: situation.now } }),
  });
  return withProgress(at, {
    elapsedMs: 0,
    stalledMs: 0,
    ...(isFirst ? { failedBefore: failuresOf(situation) } : {}),
  });
}

function stepped(situation: Situation, status: DeploymentStatus, { step }: Move, index: number): DeploymentStatus {
  if (step === undefined) return status;
  const { promoted } = progressOf(status);
  const at = changed(status, { step: { ...step, index, since: situation.now } });
  return withProgress(at, {
    elapsedMs: 0,
    stalledMs: 0,
    promoted: promoted === "step" ? undefined : promoted,
  });
}

/** With what was found at the end of a step, where there are rules. */
function closed(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const analysis = resultsOf(situation, status);
  return analysis.length === 0 ? status : changed(status, { analysis });
}
