/** Schemas of what deployments are asked with, and of the difference of two revisions. */
import { z } from "zod";
import type {
  DeployRequest,
  DeployRequestInput,
  FieldChange,
  PromoteRequest,
  RevisionDiff,
  RollbackRequest,
} from "../answers.ts";
import { schemaDiffSchema } from "./deployment.ts";
import { exactly } from "./exact.ts";
import { sourceSchema } from "./source.ts";
import { strategySchema } from "./strategy.ts";

export const deployRequestSchema: z.ZodType<DeployRequest, DeployRequestInput> = exactly<
  DeployRequest,
  DeployRequestInput
>()(
  z.strictObject({
    source: sourceSchema.exactOptional(),
    strategy: strategySchema.exactOptional(),
    acceptBreaking: z.boolean().exactOptional(),
  }),
);

export const rollbackRequestSchema: z.ZodType<RollbackRequest, RollbackRequest> = exactly<RollbackRequest>()(
  z.strictObject({ to: z.string().exactOptional() }),
);

export const promoteRequestSchema: z.ZodType<PromoteRequest, PromoteRequest> = exactly<PromoteRequest>()(
  z.strictObject({ full: z.boolean().exactOptional(), acceptBreaking: z.boolean().exactOptional() }),
);

/** The body of verbs that take nothing. */
export const emptyRequestSchema: z.ZodType<Readonly<Record<string, never>>> = z.strictObject({});

/** One field that differs. */
export const fieldChangeSchema: z.ZodType<FieldChange, FieldChange> = z.strictObject({
  path: z.string(),
  from: z.unknown().exactOptional(),
  to: z.unknown().exactOptional(),
});

export const revisionDiffSchema: z.ZodType<RevisionDiff, RevisionDiff> = exactly<RevisionDiff>()(
  z.strictObject({
    from: z.string(),
    to: z.string(),
    spec: z.array(fieldChangeSchema),
    schema: schemaDiffSchema.exactOptional(),
  }),
);
