/** One server and all that belongs to it, as the caches of this instance hold it at one moment. Reads nothing else. */
import type { Deployment, Replica, Revision, Server } from "@mcp-manager/api";
import { newestDeployment } from "@mcp-manager/api";
import type { Informer } from "../registry/informer.ts";
import type { CatalogueRecord } from "../registry/kinds.ts";

/** What this instance knows of the kinds that the loop decides by. */
export interface Caches {
  readonly servers: Informer<Server>;
  readonly revisions: Informer<Revision>;
  readonly deployments: Informer<Deployment>;
  readonly catalogues: Informer<CatalogueRecord>;
  readonly replicas: Informer<Replica>;
}

/** All that belongs to one server; lists are in order of names. */
export interface Observed {
  readonly server: Server;
  readonly revisions: readonly Revision[];
  readonly deployments: readonly Deployment[];
  readonly catalogues: readonly CatalogueRecord[];
  readonly replicas: readonly Replica[];
  /** The one that the Server's status names; undefined for a server from before there were deployments. */
  readonly deployment: Deployment | undefined;
}

/** Undefined for a server that is gone; `behind` while the cache of deployments has yet to hear of the newest one. */
export function observe(caches: Caches, name: string): Observed | "behind" | undefined {
  const { servers, revisions, deployments, catalogues, replicas } = caches;
  const server = servers.get(name);
  if (server === undefined) return undefined;
  const own = deployments.ofServer(name);
  const named = server.status.deployment;
  const found = own.find(({ metadata }) => metadata.name === named);
  // Of a server that goes, deployments go first.
  const isExpected = named !== undefined && server.metadata.deletedAt === undefined;
  if (isExpected && found === undefined && deployments.revision < servers.revision) return "behind";
  return {
    server,
    revisions: revisions.ofServer(name),
    deployments: own,
    catalogues: catalogues.ofServer(name),
    replicas: replicas.ofServer(name),
    deployment: found ?? (named === undefined ? undefined : newestDeployment(own)),
  };
}
