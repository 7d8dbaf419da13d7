/** Schemas of what is asked and answered beside resources: problems, health, tools, tool calls. */
import { z } from "zod";
import { errorCodes } from "../error.ts";
import type { ErrorCode } from "../error.ts";
import type { BreakerRequest, Health, RestartRequest, Tool, ToolCall } from "../answers.ts";
import type { Problem } from "../problem.ts";
import { lastFailureSchema } from "./common.ts";
import { exactly } from "./exact.ts";

export const problemSchema: z.ZodType<Problem, Problem> = exactly<Problem>()(
  z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(errorCodes) as ErrorCode[]),
    reason: z.string(),
    instance: z.string().exactOptional(),
    server: z.string().exactOptional(),
    retryAfterMs: z.number().exactOptional(),
    retryable: z.boolean().exactOptional(),
    errors: z.array(z.strictObject({ path: z.string(), given: z.string(), expected: z.string() })).exactOptional(),
    current: z.unknown().exactOptional(),
  }),
);

const stateSchema = z.enum(["pending", "starting", "ready", "degraded", "idle", "failed", "draining"]);

export const healthSchema: z.ZodType<Health, Health> = exactly<Health>()(
  z.strictObject({
    status: z.enum(["ok", "degraded", "failed"]),
    version: z.string(),
    startedAt: z.string(),
    store: z.enum(["ok", "read-only", "unavailable"]),
    overload: z.strictObject({ stage: z.int(), message: z.string().exactOptional() }).exactOptional(),
    config: z
      .strictObject({
        file: z.string(),
        state: z.enum(["ok", "invalid"]),
        message: z.string().exactOptional(),
        at: z.string(),
      })
      .exactOptional(),
    states: z.partialRecord(stateSchema, z.int()).exactOptional(),
    servers: z.array(
      z.strictObject({
        name: z.string(),
        state: stateSchema,
        replicas: z.strictObject({ desired: z.int(), ready: z.int() }),
        breaker: z.enum(["closed", "open", "half-open"]).exactOptional(),
        attention: z.string().exactOptional(),
        lastFailure: lastFailureSchema.exactOptional(),
      }),
    ),
  }),
);

export const toolSchema: z.ZodType<Tool, Tool> = exactly<Tool>()(z.looseObject({ name: z.string() }));

export const toolCallSchema: z.ZodType<ToolCall, ToolCall> = exactly<ToolCall>()(
  z.strictObject({ arguments: z.record(z.string(), z.unknown()).exactOptional() }),
);

/** Whatever the server answered. */
export const toolResultSchema: z.ZodType<Record<string, unknown>, Record<string, unknown>> = z.record(
  z.string(),
  z.unknown(),
);

export const restartRequestSchema: z.ZodType<RestartRequest, RestartRequest> = exactly<RestartRequest>()(
  z.strictObject({ replica: z.string().exactOptional() }),
);

const whySchema = z.string().regex(/\S/, "a text of 1 to 500 characters").max(500, "a text of 1 to 500 characters");

export const breakerRequestSchema: z.ZodType<BreakerRequest, BreakerRequest> = exactly<BreakerRequest>()(
  z.discriminatedUnion("state", [
    z.strictObject({ state: z.enum(["open", "closed"]), reason: whySchema }),
    z.strictObject({ state: z.literal("auto"), reason: whySchema.exactOptional() }),
  ]),
);
