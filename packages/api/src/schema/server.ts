/** Schemas of the Server resource. Defaults come from `serverDefaults`, the one place that holds them. */
import { z } from "zod";
import type { List } from "../resource.ts";
import { serverDefaults } from "../server.ts";
import type {
  Autoscale,
  BreakerDetail,
  BreakerRules,
  DeploymentRules,
  Expose,
  HealthRules,
  Limits,
  RecentEvent,
  Sandbox,
  Server,
  ServerInput,
  ServerLoad,
  ServerSpec,
  ServerSpecInput,
  ServerStatus,
  Sharing,
  ToolExposure,
} from "../server.ts";
import {
  conditionSchema,
  durationSchema,
  lastFailureSchema,
  metadataInputSchema,
  metadataSchema,
  sizeSchema,
  timeSchema,
} from "./common.ts";
import { exactly } from "./exact.ts";
import { routeSchema } from "./deployment.ts";
import { sourceSchema } from "./source.ts";
import { strategySchema } from "./strategy.ts";
import { whole } from "./whole.ts";

const { deployment, health, breaker, limits } = serverDefaults;

const deploymentSchema = exactly<DeploymentRules, Partial<DeploymentRules>>()(
  z.strictObject({
    progressDeadline: durationSchema.default(deployment.progressDeadline),
    drainTimeout: durationSchema.default(deployment.drainTimeout),
    acceptBreaking: z.boolean().default(deployment.acceptBreaking),
    reviewSemantic: z.boolean().default(deployment.reviewSemantic),
    autoRollback: z.boolean().default(deployment.autoRollback),
  }),
);

const healthSchema = exactly<HealthRules, Partial<HealthRules>>()(
  z.strictObject({
    interval: durationSchema.default(health.interval),
    timeout: durationSchema.default(health.timeout),
    failures: whole(1, 100).default(health.failures),
    successes: whole(1, 100).default(health.successes),
    startup: durationSchema.default(health.startup),
  }),
);

const breakerSchema = exactly<BreakerRules, Partial<BreakerRules>>()(
  z.strictObject({
    enabled: z.boolean().default(breaker.enabled),
    failureRatio: z
      .number()
      .gt(0, "a number above 0, at most 1")
      .max(1, "a number above 0, at most 1")
      .default(breaker.failureRatio),
    minCalls: whole(1, 100_000).default(breaker.minCalls),
    window: durationSchema.default(breaker.window),
    openFor: durationSchema.default(breaker.openFor),
  }),
);

const limitsSchema = exactly<Limits, Partial<Limits>>()(
  z.strictObject({
    concurrency: whole(1, 100_000).default(limits.concurrency),
    queue: whole(0, 100_000).default(limits.queue),
    callTimeout: durationSchema
      .refine((text) => !text.startsWith("0"), "a duration above zero")
      .default(limits.callTimeout),
    memory: sizeSchema.refine((text) => !text.startsWith("0"), "a size above zero").default(limits.memory),
    cpu: z.number().gt(0, "a number above 0").max(1024, "at most 1024").exactOptional(),
    processes: whole(1, 100_000).default(limits.processes),
    leases: whole(1, 1_000).exactOptional(),
    rate: z
      .strictObject({
        perSecond: z.number().gt(0, "a number above 0").max(1e6, "at most 1000000"),
        burst: whole(1, 1_000_000),
      })
      .exactOptional(),
  }),
);

const levels = ["trusted", "default", "strict"] as const;

/** As written and as stored. */
export const sandboxSchema: z.ZodType<Sandbox, Sandbox> = z.union(
  [
    z.enum(levels),
    z.strictObject({
      level: z.enum(levels),
      network: z.literal("none").exactOptional(),
      writable: z
        .array(
          z
            .string()
            .regex(/^\/[^\0]*$/, "an absolute path")
            .max(4_096, "at most 4096 characters"),
        )
        .max(64, "at most 64 paths")
        .exactOptional(),
    }),
  ],
  "trusted, default, strict, or {level, network: none, writable: [paths]}",
);

/** As written and as stored. */
export const sharingSchema: z.ZodType<Sharing, Sharing> = z.enum(["shared", "per-principal", "per-session"]);

const scaling: Autoscale = { min: 0, max: 1, target: { inFlight: 8 }, idleAfter: "5m" };

const autoscaleSchema = exactly<Autoscale, Partial<Autoscale>>()(
  z
    .strictObject({
      min: whole(0, 64).default(scaling.min),
      max: whole(1, 64).default(scaling.max),
      target: z.strictObject({ inFlight: whole(1, 10_000) }).default(scaling.target),
      idleAfter: durationSchema.default(scaling.idleAfter),
    })
    .refine(({ min, max }) => min <= max, "min at most max"),
);

const breakerStateSchema = z.enum(["closed", "open", "half-open"]);

const breakerDetailSchema = exactly<BreakerDetail>()(
  z.strictObject({
    reason: z.string(),
    since: timeSchema,
    retryAt: timeSchema.exactOptional(),
    forcedBy: z.string().exactOptional(),
    tools: z.array(z.strictObject({ tool: z.string(), state: breakerStateSchema, reason: z.string() })).exactOptional(),
  }),
);

const recentEventSchema = exactly<RecentEvent>()(
  z.strictObject({
    at: timeSchema,
    topic: z.string(),
    replica: z.string().exactOptional(),
    message: z.string(),
    severity: z.enum(["info", "warning"]),
  }),
);

const serverLoadSchema = exactly<ServerLoad>()(
  z.strictObject({
    inFlight: z.int(),
    concurrency: z.int(),
    waiting: z.int(),
    refused: z.strictObject({ breaker: z.int(), heldOff: z.int(), queue: z.int(), rate: z.int() }),
    retries: z.int(),
    ejected: z.array(z.string()),
    heldOff: z.array(z.string()),
  }),
);

const toolPatterns = z.array(
  z.string().min(1, "a tool's name or a pattern such as get_*").max(128, "at most 128 characters"),
);

const toolExposureSchema = exactly<ToolExposure>()(
  z.strictObject({
    allow: toolPatterns.max(256, "at most 256 patterns").exactOptional(),
    deny: toolPatterns.max(256, "at most 256 patterns").exactOptional(),
    override: z
      .record(
        z.string(),
        z.strictObject({
          name: z
            .string()
            .regex(/^[A-Za-z0-9_.-]{1,64}$/, "1 to 64 letters, digits, and _ . -")
            .exactOptional(),
          description: z.string().max(16_384, "at most 16384 characters").exactOptional(),
        }),
      )
      .exactOptional(),
  }),
);

const exposeSchema = exactly<Expose>()(
  z.strictObject({
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/, "1 to 32 letters, digits and inner hyphens")
      .exactOptional(),
    tools: toolExposureSchema.exactOptional(),
  }),
);

/** A spec as written → with every default. */
const serverSpecSchema: z.ZodType<ServerSpec, ServerSpecInput> = exactly<ServerSpec, ServerSpecInput>()(
  z.strictObject({
    source: sourceSchema,
    replicas: whole(0, 64).default(serverDefaults.replicas),
    sharing: sharingSchema.default(serverDefaults.sharing),
    strategy: strategySchema.prefault({ kind: "rolling" }),
    deployment: deploymentSchema.prefault({}),
    health: healthSchema.prefault({}),
    breaker: breakerSchema.prefault({}),
    limits: limitsSchema.prefault({}),
    sandbox: sandboxSchema.default(serverDefaults.sandbox),
    autoscale: autoscaleSchema.exactOptional(),
    expose: exposeSchema.prefault({}),
    auth: z.strictObject({ kind: z.literal("none") }).default({ kind: "none" }),
  }),
);

const serverStatusSchema = exactly<ServerStatus>()(
  z.strictObject({
    state: z.enum(["pending", "starting", "ready", "degraded", "idle", "failed", "draining"]),
    since: timeSchema.exactOptional(),
    revision: z.string().exactOptional(),
    replicas: z.strictObject({ desired: z.int(), ready: z.int() }),
    traffic: z.array(z.strictObject({ revision: z.string(), weight: z.number() })),
    route: routeSchema.exactOptional(),
    deployment: z.string().exactOptional(),
    abortedGeneration: z.int().exactOptional(),
    breaker: breakerStateSchema.exactOptional(),
    breakerDetail: breakerDetailSchema.exactOptional(),
    load: serverLoadSchema.exactOptional(),
    recentEvents: z.array(recentEventSchema).exactOptional(),
    tools: z.int().exactOptional(),
    lastFailure: lastFailureSchema.exactOptional(),
    conditions: z.array(conditionSchema),
    observedGeneration: z.int().exactOptional(),
  }),
);

/** A Server as answered. */
export const serverSchema: z.ZodType<Server, unknown> = z.strictObject({
  kind: z.literal("Server"),
  metadata: metadataSchema,
  spec: serverSpecSchema,
  status: serverStatusSchema,
});

/** A Server as written. Its output has the spec with every default. */
export const serverInputSchema: z.ZodType<ServerInput & { readonly spec: ServerSpec }, ServerInput> = exactly<
  Omit<ServerInput, "spec"> & { readonly spec: ServerSpec },
  ServerInput
>()(
  z.strictObject({
    kind: z.literal("Server").exactOptional(),
    metadata: metadataInputSchema,
    spec: serverSpecSchema,
    status: z.unknown().exactOptional(),
  }),
);

/** A page of Servers. */
export const serverListSchema: z.ZodType<List<Server>, unknown> = z.strictObject({
  items: z.array(serverSchema),
  nextCursor: z.string().exactOptional(),
}) as z.ZodType<List<Server>, unknown>;
