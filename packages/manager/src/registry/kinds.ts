/** Every kind of resource that the registry keeps, one row each. It holds no rules of theirs but the status that one begins with. */
import { createHash } from "node:crypto";
import type { ApiKey, Deployment, Override, Replica, Resource, Revision, Secret, Server } from "@mcp-manager/api";
import { pendingDeploymentStatus, pendingReplicaStatus, pendingServerStatus, runnableText } from "@mcp-manager/api";

/** Any resource, where the kind does not matter. */
export type AnyResource = Resource<string, unknown, unknown>;

/** What the registry must know of a kind. */
export interface Kind<R extends AnyResource> {
  readonly kind: R["kind"];
  /** Its word in store keys, as in URLs. Never changes. */
  readonly plural: string;
  /** The status of a resource that no controller has looked at. */
  initialStatus(spec: R["spec"]): R["status"];
  /** The server that a resource belongs to; only of kinds that belong to servers. */
  readonly serverOf?: (spec: R["spec"]) => string;
}

/**
 * What a revision offers to its clients, as its first ready replica said it: what deployments compare. Shown by no API; named as its
 * Revision, and gone with it.
 */
export type CatalogueRecord = Resource<"Catalogue", CatalogueSpec, Readonly<Record<string, never>>>;

/** Written once for each revision, and never changed. */
export interface CatalogueSpec {
  readonly server: string;
  /** `sha256:` and the hash of `text`. */
  readonly digest: string;
  /** Canonical JSON: see agent/catalogue.ts. Absent when it is too long to keep; then only the digest can be compared. */
  readonly text?: string;
  /** The longest that clients were told to keep a list, in milliseconds. */
  readonly ttlMs: number;
}

interface Kinds {
  readonly Server: Kind<Server>;
  readonly Revision: Kind<Revision>;
  readonly Deployment: Kind<Deployment>;
  readonly Catalogue: Kind<CatalogueRecord>;
  readonly Replica: Kind<Replica>;
  readonly ApiKey: Kind<ApiKey>;
  readonly Override: Kind<Override>;
  readonly Secret: Kind<Secret>;
}

/** The kinds, by name. */
export const kinds: Kinds = {
  Server: { kind: "Server", plural: "servers", initialStatus: () => pendingServerStatus },
  Revision: {
    kind: "Revision",
    plural: "revisions",
    initialStatus: (spec) => ({ digest: `sha256:${createHash("sha256").update(runnableText(spec)).digest("hex")}` }),
    serverOf: ({ server }) => server,
  },
  Deployment: {
    kind: "Deployment",
    plural: "deployments",
    initialStatus: () => pendingDeploymentStatus,
    serverOf: ({ server }) => server,
  },
  Catalogue: {
    kind: "Catalogue",
    plural: "catalogues",
    initialStatus: () => ({}),
    serverOf: ({ server }) => server,
  },
  Replica: {
    kind: "Replica",
    plural: "replicas",
    initialStatus: pendingReplicaStatus,
    serverOf: ({ server }) => server,
  },
  Override: {
    kind: "Override",
    plural: "overrides",
    initialStatus: () => ({}),
    serverOf: ({ server }) => server,
  },
  ApiKey: { kind: "ApiKey", plural: "api-keys", initialStatus: () => ({}) },
  Secret: { kind: "Secret", plural: "secrets", initialStatus: () => ({ usedBy: [] }) },
};
