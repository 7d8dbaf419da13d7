/**
 * Revisions that take nothing new: how long each may go on with what began there, and when it is let go. One that gives way to the next has
 * `drainTimeout` for all of it. One that traffic was taken back from has little time for its sessions and calls, and longer for tasks, whose
 * clients come back for them. Counts nothing itself. Source: reliability.md §1.2, "Draining" and "Abort".
 */
import type { DeploymentPhase, DeploymentProgress, DeploymentStatus } from "@mcp-manager/api";
import { durationMs } from "@mcp-manager/api";
import type { PendingWork } from "../../telemetry/revision-measures.ts";
import { type Changes, stanceOf } from "./changes.ts";
import { copiesOf, progressOf, type Situation } from "./situation.ts";
import type { RolloutStrategy } from "./strategies/strategy.ts";

/** The times of what drains, by revision. */
type DrainTimes = Changes<Pick<DeploymentProgress, "draining" | "callsMs">>;
type Times = Readonly<Record<string, number>>;

/** That nothing depends on a revision is believed after so long: by then every caller goes by the route without it. */
const settleMs = 1_000;
/** What went to a revision that traffic was taken back from may take so long. */
const inFlightMs = 30_000;
/** Tasks there may take longer, until they are over, but no longer than this. */
const tasksMs = 600_000;
/** Phases in which traffic was taken back from the new revision. */
const wentBack: ReadonlySet<DeploymentPhase> = new Set(["Aborting", "Aborted", "Failed"]);

/** The times after traffic was taken back from a revision. */
export function takenFrom({ server }: Situation, status: DeploymentStatus, revision: string): DrainTimes {
  const { draining, callsMs } = progressOf(status);
  const mostMs = Math.min(tasksMs, durationMs(server.spec.deployment.drainTimeout));
  return {
    draining: { ...draining, [revision]: Math.max(inFlightMs, mostMs) },
    callsMs: { ...callsMs, [revision]: inFlightMs },
  };
}

/** The times after the switch from `from`, which has all of its own when copies of it are there, to `to`, which drains no more. */
export function givenWay({ from, to, old, server }: Situation, status: DeploymentStatus): DrainTimes {
  const { draining, callsMs } = progressOf(status);
  const { [to]: _, ...others } = draining ?? {};
  const drainMs = durationMs(server.spec.deployment.drainTimeout);
  const left = from === null || old.ready.length === 0 ? others : { ...others, [from]: drainMs };
  const { [to]: __, [from ?? to]: ___, ...limited } = callsMs ?? {};
  return { draining: unlessEmpty(left), callsMs: unlessEmpty(limited) };
}

/** The times after what has passed, without revisions that are let go. */
export function stillDraining(situation: Situation, strategy: RolloutStrategy, status: DeploymentStatus): DrainTimes {
  if (situation.server.metadata.deletedAt !== undefined) return { draining: undefined, callsMs: undefined };
  const { passedMs } = situation;
  const { draining = {}, callsMs = {}, elapsedMs } = progressOf(status);
  const before = adopted(situation, { draining, callsMs });
  const isSettled = elapsedMs + passedMs >= settleMs;
  const left: Record<string, number> = {};
  const calls: Record<string, number> = {};
  for (const [revision, ms] of Object.entries(before.callsMs)) calls[revision] = Math.max(0, ms - passedMs);
  for (const [revision, mostMs] of Object.entries(before.draining)) {
    const leftMs = mostMs - passedMs;
    const { isIdle, hasTasks } = workAt(situation, strategy, revision);
    const callsLeft = calls[revision];
    const isFree = isSettled && !hasTasks && (isIdle || callsLeft === 0);
    if (leftMs <= 0 || isFree) continue;
    left[revision] = leftMs;
    // Where nothing but tasks is left, nothing else is to begin.
    if (callsLeft !== undefined && isSettled && isIdle) calls[revision] = 0;
  }
  const limited = Object.entries(calls).filter(
    ([revision]) => left[revision] !== undefined || isToEnd(situation, status, revision),
  );
  return { draining: unlessEmpty(left), callsMs: unlessEmpty(Object.fromEntries(limited)) };
}

/** Whether copies of a revision that is let go have not been asked to end; one that is tried again has others to ask. */
function isToEnd({ to, replicas }: Situation, status: DeploymentStatus, revision: string): boolean {
  const isTried = revision === to && !wentBack.has(stanceOf(status));
  return !isTried && copiesOf(replicas, revision).present.length > 0;
}

/** Whether sessions and calls of a revision may still take their time. */
export function hasCallsAt(status: DeploymentStatus, revision: string): boolean {
  const { draining, callsMs } = progressOf(status);
  return draining?.[revision] !== undefined && callsMs?.[revision] !== 0;
}

/** What depends on a revision; what gives way to the stable one is not idle until that is at its strength again. */
function workAt(
  situation: Situation,
  strategy: RolloutStrategy,
  revision: string,
): { readonly isIdle: boolean; readonly hasTasks: boolean } {
  const { to, from, server, leftovers, replicas, pending } = situation;
  const stable = server.status.route?.stable ?? null;
  const isSwitched = stable === to;
  const work = revision === (isSwitched ? from : to) ? pending : leftovers?.get(revision);
  if (work === undefined) return { isIdle: false, hasTasks: true };
  const isStrong = isSwitched || copiesOf(replicas, stable).ready.length >= strategy.floor(situation);
  return { isIdle: isStrong && isWithoutCalls(work), hasTasks: work.tasks > 0 };
}

function isWithoutCalls(work: PendingWork): boolean {
  return Object.entries(work).every(([kind, amount]) => kind === "tasks" || amount === 0);
}

/** What earlier deployments left in the route drains on under this one, each revision for the time that it may have. */
function adopted(
  { server, to }: Situation,
  { draining, callsMs }: { readonly draining: Times; readonly callsMs: Times },
): { readonly draining: Times; readonly callsMs: Times } {
  const { next, draining: named = [], tasksOnly = [] } = server.status.route ?? {};
  const drainMs = durationMs(server.spec.deployment.drainTimeout);
  const heir: Record<string, number> = { ...draining };
  const calls: Record<string, number> = { ...callsMs };
  for (const revision of named) heir[revision] ??= tasksOnly.includes(revision) ? Math.min(drainMs, tasksMs) : drainMs;
  for (const revision of tasksOnly) calls[revision] ??= 0;
  if (next !== undefined && next.revision !== to && heir[next.revision] === undefined) {
    heir[next.revision] = Math.min(drainMs, tasksMs);
    calls[next.revision] = Math.min(drainMs, inFlightMs);
  }
  return { draining: heir, callsMs: calls };
}

function unlessEmpty(times: Times): Times | undefined {
  return Object.keys(times).length === 0 ? undefined : times;
}
