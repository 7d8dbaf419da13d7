/**
 * What can go wrong with a new revision, and the ways back: `Failed` where it could not be gone through, `Aborting` where it did not
 * fare well, or a pause where the spec says that nothing goes back by itself.
 */
import type { DeploymentStatus, Replica } from "@mcp-manager/api";
import { durationMs, formatDuration } from "@mcp-manager/api";
import { type Cause, changed, entered, finished, paused, stanceOf, withProgress } from "./changes.ts";
import { inFlightMs } from "./passing.ts";
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
export function overdue({ server, to }: Situation, status: DeploymentStatus): Cause | undefined {
  const { progressDeadline } = server.spec.deployment;
  if (progressOf(status).stalledMs < durationMs(progressDeadline)) return undefined;
  const limit = formatDuration(durationMs(progressDeadline));
  return { reason: "ProgressDeadline", message: `nothing moved for ${limit} on the way to ${to}: see its replicas` };
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
  return withProgress(back, { draining: { ...progressOf(status).draining, [to]: inFlightMs } });
}

function why({ metadata, status }: Replica): string {
  return `replica ${metadata.name}: ${status.lastFailure?.message ?? "it ended"}`;
}
