/**
 * What is kept of a server's past, and what is forgotten: its last revisions with what they offered, and the deployments to them.
 * Never what is stable, under way, or still runs. Pure.
 */
import type { Deployment, Replica, Revision, Server } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";

/** Old revisions kept for a look back and a way back; those in use are kept beside them. */
export const revisionsKept = 10;
/** Deployments kept, those to forgotten revisions excepted; somebody may try one revision again and again. */
const deploymentsKept = 50;

/** One record to be deleted. A Catalogue has the name of its revision; there may be none. */
export type Forgetting =
  | { readonly kind: "forget-revision"; readonly name: string }
  | { readonly kind: "forget-catalogue"; readonly name: string }
  | { readonly kind: "forget-deployment"; readonly name: string };

/** All that there is of a server. */
export interface Past {
  readonly server: Server;
  readonly revisions: readonly Revision[];
  readonly deployments: readonly Deployment[];
}

/** What is too old; `running`: the replicas there are. */
export function outlived({ server, revisions, deployments }: Past, running: readonly Replica[]): readonly Forgetting[] {
  const { revision, route, deployment } = server.status;
  const active = deployments.find(({ metadata }) => metadata.name === deployment);
  const inUse = new Set([
    revision,
    route?.stable,
    route?.next?.revision,
    ...(route?.draining ?? []),
    active?.spec.from,
    active?.spec.to,
    ...running.map(({ spec }) => spec.revision),
  ]);
  const old = revisions.toSorted((a, b) => b.spec.number - a.spec.number).slice(revisionsKept);
  const forgotten = old.map(({ metadata }) => metadata.name).filter((name) => !inUse.has(name));
  const left = new Set(revisions.map(({ metadata }) => metadata.name).filter((name) => !forgotten.includes(name)));
  const stale = deployments
    .filter((one) => one !== active && isOver(one.status))
    .toSorted(latestFirst)
    .filter(({ spec }, index) => index >= deploymentsKept || !left.has(spec.to));
  return [...forgotten.flatMap(forgetRevision), ...stale.map(forgetDeployment)];
}

/** Everything, for a server that goes. */
export function whole({ revisions, deployments }: Past): readonly Forgetting[] {
  return [...revisions.flatMap(({ metadata }) => forgetRevision(metadata.name)), ...deployments.map(forgetDeployment)];
}

/** Their specs never change, so the store's revision tells when they were made. */
function latestFirst(a: Deployment, b: Deployment): number {
  return BigInt(a.metadata.revision) < BigInt(b.metadata.revision) ? 1 : -1;
}

function forgetRevision(name: string): readonly Forgetting[] {
  return [
    { kind: "forget-revision", name },
    { kind: "forget-catalogue", name },
  ];
}

function forgetDeployment({ metadata: { name } }: Deployment): Forgetting {
  return { kind: "forget-deployment", name };
}
