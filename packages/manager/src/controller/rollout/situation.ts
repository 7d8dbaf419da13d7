/**
 * Where a deployment stands, worked out once from its input: which revision it really goes from, and how many copies of each there
 * are. What runs counts here, not what was asked for. Decides nothing.
 */
import type { DeploymentProgress, DeploymentStatus, Replica, ReplicaState } from "@mcp-manager/api";
import type { RolloutInput } from "./rollout.ts";

/** The copies of one revision. */
export interface Copies {
  /** Those that nobody asked to end. */
  readonly present: readonly Replica[];
  /** Of them, those that take calls, or would wake for one. */
  readonly ready: readonly Replica[];
}

/** What every part of a decision looks at. */
export interface Situation extends RolloutInput {
  readonly to: string;
  /** The revision that serves and gives way; null when there is none to go back to. */
  readonly from: string | null;
  readonly old: Copies;
  readonly new: Copies;
  /** Whether copies of another revision than `to` still run, also those that were asked to end. */
  readonly hasOthers: boolean;
}

/** How a replica in each state counts: what sleeps is as good as ready, and less missed. */
export const usefulness: Readonly<Record<ReplicaState, number>> = {
  ready: 2,
  idle: 1,
  pending: 0,
  starting: 0,
  failed: 0,
  draining: 0,
  stopped: 0,
};

/** A replica that was asked to end and has. */
export function isGone({ spec, status }: Replica): boolean {
  return spec.drain === true && status.state === "stopped";
}

/** Works it out. */
export function situationOf(input: RolloutInput): Situation {
  const { to } = input.deployment.spec;
  const from = giving(input);
  return {
    ...input,
    to,
    from,
    old: copiesOf(input.replicas, from),
    new: copiesOf(input.replicas, to),
    hasOthers: input.replicas.some((replica) => replica.spec.revision !== to && !isGone(replica)),
  };
}

/** The copies of a revision among all of a server. */
export function copiesOf(replicas: readonly Replica[], revision: string | null): Copies {
  const present = replicas.filter(({ spec }) => spec.revision === revision && spec.drain !== true);
  return { present, ready: present.filter(({ status }) => usefulness[status.state] > 0) };
}

/** The times and marks of a status, from the beginning where it has none. */
export function progressOf({ progress }: DeploymentStatus): DeploymentProgress {
  return progress ?? { elapsedMs: 0, stalledMs: 0 };
}

/** What routing says is stable comes before what was so when the deployment was made; what never served is nothing to go back to. */
function giving({ server, deployment, replicas }: RolloutInput): string | null {
  const { from, to } = deployment.spec;
  const { route } = server.status;
  if (route !== undefined && route.stable !== to) return route.stable;
  if (from === null || from === to) return null;
  if (route !== undefined) return from;
  return copiesOf(replicas, from).ready.length > 0 ? from : null;
}

/** Whether there is nothing to give way: a server's first revision, one that never served, or one that has all traffic already. */
export function isBare({ from, to, server }: Situation): boolean {
  return from === null || server.status.route?.stable === to;
}

/** How often copies of the new revision failed, restarts that were asked for aside. */
export function failuresOf({ new: { present } }: Situation): number {
  return present.reduce((sum, replica) => sum + failed(replica), 0);
}

/** How often one copy failed. */
export function failed({ status }: Replica): number {
  return Math.max(0, status.restarts - (status.restartRound ?? 0));
}
