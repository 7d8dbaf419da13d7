/**
 * The next Deployment of a server, put into the transaction that asks for it. The Server's status names it from the same transaction
 * on: whoever moves the route by an older status is refused by the store, and begins again with the newer Deployment before them.
 */
import type { Deployment, DeploymentSpec, Server, ServerStatus } from "@mcp-manager/api";
import { deploymentName } from "@mcp-manager/api";
import type { Stored } from "../../registry/codec.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Transaction } from "../../registry/transaction.ts";

/** What is decided of it by who asks; the rest follows from the Server. */
export type Wanted = Pick<DeploymentSpec, "to" | "acceptBreaking" | "acceptedBy" | "rollback">;

/** The Server as it will be. */
interface Asking extends Pick<Server, "spec"> {
  readonly name: string;
  readonly generation: number;
}

/** The revision that serves, from which it goes; null when none did yet. */
export function stableOf(status: ServerStatus): string | null {
  return status.route?.stable ?? status.revision ?? null;
}

/** Adds it for a Server that is there, whose spec the transaction may change to `after`; the name. */
export async function addDeployment(
  registry: Registry,
  transaction: Transaction,
  before: Stored<Server>,
  after: Server,
  wanted: Wanted,
): Promise<string> {
  const { status } = before.resource;
  const { name: server, generation } = after.metadata;
  const asking = { name: server, generation, spec: after.spec };
  const name = await addTo(registry, transaction, asking, { ...wanted, from: stableOf(status) });
  transaction.putStatus(kinds.Server, before, { ...status, deployment: name });
  return name;
}

/** Adds the first one of a Server to be; the name, which its status has to say. */
export async function addFirstDeployment(
  registry: Registry,
  transaction: Transaction,
  server: Asking,
  to: string,
): Promise<string> {
  return await addTo(registry, transaction, server, { to, from: null });
}

async function addTo(
  registry: Registry,
  transaction: Transaction,
  { name: server, generation, spec }: Asking,
  wanted: Wanted & Pick<DeploymentSpec, "from">,
): Promise<string> {
  const name = deploymentName(wanted.to, (await latestNumber(registry, wanted.to)) + 1);
  transaction.create(kinds.Deployment, { name, spec: { ...wanted, server, strategy: spec.strategy, generation } });
  return name;
}

/** The highest number of a deployment to a revision, 0 when there is none. */
async function latestNumber(registry: Registry, to: string): Promise<number> {
  const { items } = await registry
    .resources(kinds.Deployment)
    .list({ startingWith: `${to}-`, where: ({ spec }) => spec.to === to });
  return items.reduce((latest, deployment) => Math.max(latest, numberOf(deployment)), 0);
}

function numberOf({ metadata, spec }: Deployment): number {
  return Number(metadata.name.slice(spec.to.length + 1));
}
