/**
 * What can go wrong with a new revision, and the ways back: `Failed` where it could not be gone through, `Aborting` where it did not
 * fare well, or a pause where the spec says that nothing goes back by itself.
 */
import type { DeploymentStatus, Replica } from "@mcp-manager/api";
import { durationMs, formatDuration } from "@mcp-manager/api";
import { type Cause, changed, entered, finished, paused, stanceOf, withProgress } from "./changes.ts";
import { takenFrom } from "./draining.ts";
import { failed, progressOf, type Situation } from "./situation.ts";

/** Failures of one copy that are enough while no other is ready. */
const startTries = 3;

/** A copy that fails again and again. */
export function crashing({ to, new: { present } }: Situation): Cause | undefined {
  const looping = present.find(({ status }) => status.crashLoop === true);
  return looping === undefined ? undefined : { reason: "CrashLoop", message: `${to} keeps failing: ${why(looping)}` };
}

/** Why no copy, or not all of them, will come up; undefined while they may. */
export function failedToStart(situation: Situation, status: DeploymentStatus): Cause | undefined {
  const { to, new: copies } = situation;
  const tries = startTries + (progressOf(status).failedBefore ?? 0);
  const tried = copies.ready.length > 0 ? undefined : copies.present.find((replica) => failed(replica) >= tries);
  if (tried !== undefined && tried.status.crashLoop !== true)
    return { reason: "CannotStart", message: `${to} cannot start: ${why(tried)}` };
  return crashing(situation) ?? overdue(situation, status);
}

/** Nothing has moved for longer than it may. */
export function overdue(situation: Situation, status: DeploymentStatus): Cause | undefined {
  const { progressDeadline } = situation.server.spec.deployment;
  if (progressOf(status).stalledMs < durationMs(progressDeadline)) return undefined;
  const limit = formatDuration(durationMs(progressDeadline));
  const message = `nothing moved for ${limit} on the way to ${situation.to}: ${obstacle(situation)}`;
  return { reason: "ProgressDeadline", message };
}

/** What is waited for, as far as anybody said it: a copy that is not ready, else a revision that was not heard of. */
function obstacle({ gate, new: { present, ready } }: Situation): string {
  const lacking = present.find((one) => !ready.includes(one) && toldBy(one) !== undefined);
  if (lacking !== undefined) return why(lacking);
  const isHeardOf = gate.kind !== "unknown" || ready.length < present.length;
  return isHeardOf ? "see its replicas" : (gate.message ?? "what is offered is not known");
}

/** It could not be gone through: what serves, serves on. */
export function failedWith(situation: Situation, status: DeploymentStatus, cause: Cause): DeploymentStatus {
  return finished(takenBack(situation, status), "Failed", situation.now, cause);
}

/** It does not fare well: back by itself, or a pause where that is for a person to say. */
export function goingBack(situation: Situation, status: DeploymentStatus, cause: Cause): DeploymentStatus {
  const { server, now } = situation;
  if (server.spec.deployment.autoRollback) return entered(status, "Aborting", now, cause);
  const message = `${cause.message ?? ""}; nothing goes back by itself here: abort, or resume`;
  const waiting = paused(status, stanceOf(status), now, { ...cause, message });
  return withProgress(waiting, { failures: undefined, errors: undefined });
}

/** With all traffic back on what was stable; what the new revision has begun may take its time. */
export function takenBack(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const { to, server } = situation;
  const { next, stable } = server.status.route ?? {};
  const hadSome = status.traffic.target > 0 || (next?.revision === to && next.match.length > 0);
  const back = changed(status, { traffic: { target: stable === to ? 100 : 0 } });
  if (!hadSome || stable === to) return back;
  return withProgress(back, takenFrom(situation, status, to));
}

function why(replica: Replica): string {
  return `replica ${replica.metadata.name}: ${toldBy(replica) ?? "it ended"}`;
}

function toldBy({ status }: Replica): string | undefined {
  return status.health?.message ?? status.lastFailure?.message;
}
