/** What became of a change to a server that no deployment is under way for, told from what the manager says of it. Pure. */
import type { LastFailure, Replica, Server } from "@mcp-manager/api";

/** A change that is under way, has come to its end, or cannot. */
export type Rollout =
  | { readonly kind: "going" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly failure: LastFailure | undefined };

/** A server with all that is needed to tell. */
export interface Observed {
  readonly server: Server;
  /** The name of the revision that its spec asks for. */
  readonly target: string | undefined;
  readonly replicas: readonly Replica[];
}

/**
 * Done when all new calls go to the revision that is asked for. Failed when none of its replicas can be started, also while those of
 * the revision before serve on.
 */
export function rolloutOf({ server, target, replicas }: Observed): Rollout {
  const { metadata, status } = server;
  if ((status.observedGeneration ?? 0) < metadata.generation) return { kind: "going" };
  if (status.state === "failed") return { kind: "failed", failure: status.lastFailure };
  const serving = replicas.filter(({ spec }) => spec.drain !== true);
  const failed = serving.find((replica) => replica.spec.revision === target && isFailing(replica));
  if (failed !== undefined) return { kind: "failed", failure: failed.status.lastFailure };
  const isThere = status.state === "ready" || status.state === "idle";
  // Those of the revision before may be kept for a while, for an instant way back.
  const isRouted = status.route !== undefined && status.route.stable === target;
  const goesThere = isRouted || serving.every(({ spec }) => spec.revision === target);
  return isThere && goesThere ? { kind: "done" } : { kind: "going" };
}

/** One in a crash loop fails even while it is being tried again. */
function isFailing({ status }: Replica): boolean {
  return status.state === "failed" || status.crashLoop === true;
}
