/** Changing a status that is read-only: the next one as a new value, in which what is undefined is absent. */
import type { DeploymentPhase, DeploymentProgress, DeploymentReason, DeploymentStatus } from "@mcp-manager/api";
import { progressOf } from "./situation.ts";

/** Members to set; those given as undefined are taken away. */
export type Changes<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** The same with other members. */
export function changed<T extends object>(value: T, changes: Changes<T>): T {
  const members = Object.entries({ ...value, ...changes }).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members) as T;
}

/** The same with other times and marks. */
export function withProgress(status: DeploymentStatus, changes: Changes<DeploymentProgress>): DeploymentStatus {
  return changed(status, { progress: changed(progressOf(status), changes) });
}

/** Why it comes to a phase. */
export interface Cause {
  readonly reason?: DeploymentReason | undefined;
  readonly message?: string | undefined;
}

/** In another phase, whose times begin now; `now` is RFC 3339. */
export function entered(
  status: DeploymentStatus,
  phase: DeploymentPhase,
  now: string,
  { reason, message }: Cause = {},
): DeploymentStatus {
  const moved = changed(status, { phase, reason, message, since: now });
  return withProgress(moved, { elapsedMs: 0, stalledMs: 0, resumeTo: undefined });
}

/** Waiting for a person, who sends it on to `resumeTo`. */
export function paused(
  status: DeploymentStatus,
  resumeTo: DeploymentPhase,
  now: string,
  cause: Cause,
): DeploymentStatus {
  return withProgress(entered(status, "Paused", now, cause), { resumeTo });
}

/** Over. */
export function finished(
  status: DeploymentStatus,
  phase: "Completed" | "Aborted" | "Failed",
  now: string,
  cause: Cause,
): DeploymentStatus {
  return withProgress(changed(entered(status, phase, now, cause), { finishedAt: now }), { ready: undefined });
}

/** The phase that decides what there should be: a paused deployment stays where it was. */
export function stanceOf(status: DeploymentStatus): DeploymentPhase {
  return status.phase === "Paused" ? (status.progress?.resumeTo ?? "SchemaCheck") : status.phase;
}
