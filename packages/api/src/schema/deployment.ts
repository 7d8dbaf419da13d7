/** Schemas of the Deployment resource and of the route that follows from it. */
import { z } from "zod";
import type {
  AnalysisResult,
  Deployment,
  DeploymentProgress,
  DeploymentSpec,
  DeploymentStatus,
  Route,
  SchemaDiff,
} from "../deployment.ts";
import type { List } from "../resource.ts";
import type { Strategy } from "../strategy.ts";
import { metadataSchema, timeSchema } from "./common.ts";
import { exactly } from "./exact.ts";
import { matchSchema, strategySchema } from "./strategy.ts";

/** A stored strategy has every default, so for reading its input type is its output type. */
const storedStrategy = strategySchema as unknown as z.ZodType<Strategy, Strategy>;

export const routeSchema: z.ZodType<Route, Route> = exactly<Route>()(
  z.strictObject({
    stable: z.string(),
    next: z
      .strictObject({
        revision: z.string(),
        weight: z.number(),
        salt: z.string(),
        match: z.array(matchSchema),
        differs: z.boolean(),
      })
      .exactOptional(),
    draining: z.array(z.string()),
    tasksOnly: z.array(z.string()).exactOptional(),
  }),
);

const phases = [
  "Pending",
  "SchemaCheck",
  "TtlClamp",
  "Progressing",
  "Paused",
  "Promoting",
  "Draining",
  "Completed",
  "Aborting",
  "Aborted",
  "Failed",
] as const;
const phaseSchema = z.enum(phases);

const reasonSchema = z.enum([
  "AwaitingPromotion",
  "PausedByUser",
  "SchemaBreaking",
  "SchemaSemantic",
  "Inconclusive",
  "ExposureNotMet",
  "AnalysisFailed",
  "CrashLoop",
  "CannotStart",
  "ProgressDeadline",
  "ResourceExhausted",
  "AbortedByUser",
  "Superseded",
  "ServerDeleted",
  "RolledBack",
  "UnstableLists",
]);

const specSchema = exactly<DeploymentSpec>()(
  z.strictObject({
    server: z.string(),
    from: z.string().nullable(),
    to: z.string(),
    strategy: storedStrategy,
    acceptBreaking: z.boolean().exactOptional(),
    acceptedBy: z.string().exactOptional(),
    rollback: z.boolean().exactOptional(),
    generation: z.int(),
  }),
);

/** What two revisions differ in. */
export const schemaDiffSchema: z.ZodType<SchemaDiff, SchemaDiff> = exactly<SchemaDiff>()(
  z.strictObject({
    class: z.enum(["none", "additive", "semantic", "breaking"]),
    changes: z.array(
      z.strictObject({
        class: z.enum(["additive", "semantic", "breaking"]),
        subject: z.string(),
        message: z.string(),
        diff: z.array(z.string()).exactOptional(),
      }),
    ),
  }),
);

const analysisResultSchema = exactly<AnalysisResult>()(
  z.strictObject({
    name: z.enum(["error-rate", "latency-p95", "crash", "is-error-delta", "result-size-delta"]),
    result: z.enum(["successful", "failed", "inconclusive", "error"]),
    value: z.number().exactOptional(),
    threshold: z.number().exactOptional(),
    samples: z.int(),
    dryRun: z.boolean().exactOptional(),
    message: z.string().exactOptional(),
  }),
);

const progressSchema = exactly<DeploymentProgress>()(
  z.strictObject({
    elapsedMs: z.number(),
    stalledMs: z.number(),
    resumeTo: phaseSchema.exactOptional(),
    accepted: z.enum(["semantic", "breaking"]).exactOptional(),
    acceptedBy: z.string().exactOptional(),
    promoted: z.enum(["step", "full"]).exactOptional(),
    failures: z.record(z.string(), z.int()).exactOptional(),
    errors: z.record(z.string(), z.int()).exactOptional(),
    watchedMs: z.number().exactOptional(),
    ready: z.record(z.string(), z.number()).exactOptional(),
    unstableMs: z.number().exactOptional(),
    failedBefore: z.int().exactOptional(),
    draining: z.record(z.string(), z.number()).exactOptional(),
    callsMs: z.record(z.string(), z.number()).exactOptional(),
    keptMs: z.number().exactOptional(),
  }),
);

const countSchema = z.strictObject({ desired: z.int(), ready: z.int() });

const statusSchema = exactly<DeploymentStatus>()(
  z.strictObject({
    phase: phaseSchema,
    reason: reasonSchema.exactOptional(),
    message: z.string().exactOptional(),
    step: z.strictObject({ index: z.int(), of: z.int(), weight: z.number(), since: timeSchema }).exactOptional(),
    traffic: z.strictObject({
      target: z.number(),
      newSessions: z.number().exactOptional(),
      requests: z.number().exactOptional(),
    }),
    replicas: z.strictObject({ from: countSchema, to: countSchema }),
    schemaDiff: schemaDiffSchema.exactOptional(),
    analysis: z.array(analysisResultSchema).exactOptional(),
    variants: z
      .array(
        z.strictObject({
          revision: z.string(),
          requests: z.int(),
          errorRate: z.number(),
          p95Ms: z.number().exactOptional(),
        }),
      )
      .exactOptional(),
    since: timeSchema.exactOptional(),
    finishedAt: timeSchema.exactOptional(),
    progress: progressSchema.exactOptional(),
  }),
);

export const deploymentSchema: z.ZodType<Deployment, Deployment> = exactly<Deployment>()(
  z.strictObject({
    kind: z.literal("Deployment"),
    metadata: metadataSchema,
    spec: specSchema,
    status: statusSchema,
  }),
);

/** A page of Deployments. */
export const deploymentListSchema: z.ZodType<List<Deployment>, unknown> = z.strictObject({
  items: z.array(deploymentSchema),
  nextCursor: z.string().exactOptional(),
}) as z.ZodType<List<Deployment>, unknown>;
