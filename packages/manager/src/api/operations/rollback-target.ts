/** Which revision a server goes back to: pure. Only what was stable once is gone back to without a gate. */
import type { Deployment, Revision, Server } from "@mcp-manager/api";
import { ManagerError, newestDeployment } from "@mcp-manager/api";
import { notFound } from "../request.ts";
import { stableOf } from "./next-deployment.ts";
import { revisionOf } from "./revisions-of.ts";

/** One server and all of its past that is kept. */
export interface Past {
  readonly server: Server;
  /** Newest first. */
  readonly revisions: readonly Revision[];
  readonly deployments: readonly Deployment[];
}

/**
 * The named revision, or: the stable one when the spec asks for another, else the one before it. Throws `not_found`, and
 * `failed_precondition` for one that was never stable.
 */
export function rollbackTarget(past: Past, to: string | undefined): Revision {
  const { server, revisions, deployments } = past;
  const { name } = server.metadata;
  const wanted = to ?? usual(past);
  if (wanted === undefined) {
    const message = `server "${name}" has no earlier revision to go back to`;
    throw new ManagerError("failed_precondition", message, { server: name });
  }
  const revision = revisions.find(({ metadata }) => metadata.name === wanted);
  if (revision === undefined) throw notFound(`revision of server "${name}"`, wanted);
  if (wasStable(wanted, stableOf(server.status), deployments)) return revision;
  const message = `revision ${wanted} of server "${name}" was never stable: deploy what it says instead`;
  throw new ManagerError("failed_precondition", message, { server: name });
}

function usual({ server, revisions, deployments }: Past): string | undefined {
  const stable = stableOf(server.status);
  if (stable === null) return undefined;
  const asked = revisionOf(server.spec, revisions, stable);
  if (asked?.metadata.name !== stable) return stable;
  const reached = newestDeployment(deployments.filter((one) => one.spec.to === stable && hasArrived(one)));
  const before = reached?.spec.from ?? null;
  if (before !== null) return before;
  const number = asked.spec.number;
  const earlier = revisions.filter((one) => one.spec.number < number);
  return earlier.find(({ metadata }) => wasStable(metadata.name, stable, deployments))?.metadata.name;
}

/** What no kept deployment leads to was there before deployments were kept, and served. */
function wasStable(revision: string, stable: string | null, deployments: readonly Deployment[]): boolean {
  if (revision === stable || deployments.some(({ spec }) => spec.from === revision)) return true;
  const there = deployments.filter(({ spec }) => spec.to === revision);
  return there.length === 0 || there.some(hasArrived);
}

function hasArrived({ status }: Deployment): boolean {
  return status.phase === "Completed" || status.phase === "Draining";
}
