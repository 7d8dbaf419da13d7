/** Schemas of the kinds beside Server: Revision, Replica, ApiKey. */
import { z } from "zod";
import type { ApiKey, ApiKeyInput, ApiKeySpec, ApiKeyStatus, CreatedApiKey } from "../api-key.ts";
import type { Isolation, Replica, ReplicaHealth, ReplicaLoad, ReplicaSpec, ReplicaStatus } from "../replica.ts";
import type { Revision, RevisionSpec, RevisionStatus } from "../revision.ts";
import { roleNames } from "../role.ts";
import type { ServerSource } from "../server.ts";
import {
  durationSchema,
  lastFailureSchema,
  metadataInputSchema,
  metadataSchema,
  sizeSchema,
  timeSchema,
} from "./common.ts";
import { exactly } from "./exact.ts";
import { sandboxSchema, sharingSchema } from "./server.ts";
import { sourceSchema } from "./source.ts";

const eraSchema = z.enum(["legacy", "modern"]);

/** A stored source has every default, so for reading its input type is its output type. */
const storedSource = sourceSchema as unknown as z.ZodType<ServerSource, ServerSource>;

const revisionSpecSchema = exactly<RevisionSpec>()(
  z.strictObject({
    server: z.string(),
    number: z.int(),
    source: storedSource,
    sandbox: sandboxSchema,
    sharing: sharingSchema,
    limits: z.strictObject({ memory: sizeSchema, cpu: z.number().exactOptional(), processes: z.int() }),
  }),
);

const revisionStatusSchema = exactly<RevisionStatus>()(
  z.strictObject({
    digest: z.string(),
    era: eraSchema.exactOptional(),
    eraFoundAt: timeSchema.exactOptional(),
    serverInfo: z.record(z.string(), z.unknown()).exactOptional(),
    capabilities: z.record(z.string(), z.unknown()).exactOptional(),
    tools: z.int().exactOptional(),
  }),
);

export const revisionSchema: z.ZodType<Revision, Revision> = exactly<Revision>()(
  z.strictObject({
    kind: z.literal("Revision"),
    metadata: metadataSchema,
    spec: revisionSpecSchema,
    status: revisionStatusSchema,
  }),
);

const replicaSpecSchema = exactly<ReplicaSpec>()(
  z.strictObject({
    server: z.string(),
    revision: z.string(),
    node: z.string(),
    restartRound: z.int(),
    drain: z.boolean().exactOptional(),
    drainWithin: durationSchema.exactOptional(),
  }),
);

const replicaHealthSchema = exactly<ReplicaHealth>()(
  z.strictObject({
    state: z.enum(["healthy", "unhealthy", "needs-authorization"]),
    reason: z.string().exactOptional(),
    message: z.string().exactOptional(),
    since: timeSchema,
  }),
);

const replicaLoadSchema = exactly<ReplicaLoad>()(
  z.strictObject({
    inFlight: z.int(),
    pool: z.strictObject({ inUse: z.int(), idle: z.int(), spare: z.int(), waiting: z.int() }).exactOptional(),
    ejectedUntil: timeSchema.exactOptional(),
    heldOffUntil: timeSchema.exactOptional(),
  }),
);

const isolationSchema = exactly<Isolation>()(
  z.strictObject({
    level: z.string(),
    boundary: z.string().exactOptional(),
    limits: z.enum(["cgroup2", "rlimit", "none"]).exactOptional(),
    network: z.enum(["host", "none"]).exactOptional(),
  }),
);

const replicaStatusSchema = exactly<ReplicaStatus>()(
  z.strictObject({
    state: z.enum(["pending", "starting", "ready", "draining", "stopped", "failed", "idle"]),
    node: z.string(),
    revision: z.string(),
    pid: z.int().exactOptional(),
    url: z.string().exactOptional(),
    startedAt: timeSchema.exactOptional(),
    restarts: z.int(),
    lastFailure: lastFailureSchema.exactOptional(),
    retryAt: timeSchema.exactOptional(),
    isolation: isolationSchema.exactOptional(),
    memory: z.string().exactOptional(),
    era: eraSchema.exactOptional(),
    restartRound: z.int().exactOptional(),
    crashLoop: z.boolean().exactOptional(),
    health: replicaHealthSchema.exactOptional(),
    catalogue: z.string().exactOptional(),
    load: replicaLoadSchema.exactOptional(),
  }),
);

export const replicaSchema: z.ZodType<Replica, Replica> = exactly<Replica>()(
  z.strictObject({
    kind: z.literal("Replica"),
    metadata: metadataSchema,
    spec: replicaSpecSchema,
    status: replicaStatusSchema,
  }),
);

const rolesSchema = z.array(z.enum(roleNames)).min(1, `at least one of ${roleNames.join(", ")}`);

const apiKeySpecSchema = exactly<ApiKeySpec>()(
  z.strictObject({ principal: z.string(), roles: rolesSchema, expiresAt: timeSchema.exactOptional() }),
);

const apiKeyShape = {
  kind: z.literal("ApiKey"),
  metadata: metadataSchema,
  spec: apiKeySpecSchema,
  status: exactly<ApiKeyStatus>()(z.strictObject({ hint: z.string().exactOptional() })),
};

export const apiKeySchema: z.ZodType<ApiKey, ApiKey> = exactly<ApiKey>()(z.strictObject(apiKeyShape));

/** The answer to creating a key, the one that holds it. */
export const createdApiKeySchema: z.ZodType<CreatedApiKey, CreatedApiKey> = exactly<CreatedApiKey>()(
  z.strictObject({ ...apiKeyShape, key: z.string() }),
);

/** An ApiKey as written. */
export const apiKeyInputSchema: z.ZodType<ApiKeyInput, ApiKeyInput> = exactly<ApiKeyInput>()(
  z.strictObject({
    kind: z.literal("ApiKey").exactOptional(),
    metadata: metadataInputSchema,
    spec: z.strictObject({
      principal: z
        .string()
        .regex(/^[\x21-\x7e]{1,200}$/, "1 to 200 printable ASCII characters without spaces, such as key:ci")
        .exactOptional(),
      roles: rolesSchema,
      expiresAt: timeSchema.exactOptional(),
    }),
    status: z.unknown().exactOptional(),
  }),
);
