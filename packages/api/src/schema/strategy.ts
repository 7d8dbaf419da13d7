/** Schemas of strategies: what each may say, and what it says when it says nothing. */
import { z } from "zod";
import type {
  AnalysisRule,
  AnalysisRuleInput,
  CanaryStep,
  CanaryStepInput,
  Match,
  Strategy,
  StrategyInput,
} from "../strategy.ts";
import { durationSchema } from "./common.ts";
import { exactly } from "./exact.ts";
import { whole } from "./whole.ts";

const percentRule = "a number from 0 to 100";
const percent = z.number(percentRule).min(0, percentRule).max(100, percentRule);

const stepSchema = exactly<CanaryStep, CanaryStepInput>()(
  z.strictObject({
    weight: percent,
    pause: durationSchema.exactOptional(),
    minRequests: whole(0, 1_000_000_000).default(0),
    maxWait: durationSchema.exactOptional(),
  }),
);

/** Of durations, those below 100 ms: a look costs something, and more often it tells nothing more. */
const tooOften = /^0|^[0-9]{1,2}ms$/;

const analysisNames = ["error-rate", "latency-p95", "crash", "is-error-delta", "result-size-delta"] as const;

const ruleSchema = exactly<AnalysisRule, AnalysisRuleInput>()(
  z.strictObject({
    name: z.enum(analysisNames),
    max: z.number().min(0, "a number from 0 on").exactOptional(),
    interval: durationSchema.refine((text) => !tooOften.test(text), "at least 100ms").default("10s"),
    minSamples: whole(0, 1_000_000).default(50),
    failureLimit: whole(0, 1_000).default(0),
    dryRun: z.boolean().default(false),
  }),
);

const pattern = z.string().min(1, "a text, in which * stands for any text").max(256, "at most 256 characters");
const attributes = z
  .record(z.string(), pattern)
  .refine((given) => Object.keys(given).length === 1, "one attribute and its value");

export const matchSchema: z.ZodType<Match, Match> = exactly<Match>()(
  z.union([
    z.strictObject({ client: pattern }),
    z.strictObject({ principal: attributes }),
    z.strictObject({ header: attributes }),
  ]),
);

const variantsDefault = [
  { revision: "current", weight: 50 },
  { revision: "next", weight: 50 },
] as const;

/** A strategy as written → with every default. */
export const strategySchema: z.ZodType<Strategy, StrategyInput> = exactly<Strategy, StrategyInput>()(
  z.discriminatedUnion("kind", [
    z
      .strictObject({
        kind: z.literal("rolling"),
        maxSurge: whole(0, 64).default(1),
        maxUnavailable: whole(0, 64).default(0),
        minReady: durationSchema.default("5s"),
      })
      .refine(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0, {
        path: ["maxSurge"],
        message: "more than 0, or maxUnavailable more than 0: with both 0 nothing can be replaced",
      }),
    z.strictObject({ kind: z.literal("recreate") }),
    z.strictObject({
      kind: z.literal("blue-green"),
      autoPromote: z.boolean().default(true),
      previewFor: durationSchema.default("0s"),
      scaleDownDelay: durationSchema.default("30s"),
    }),
    z.strictObject({
      kind: z.literal("canary"),
      steps: z
        .array(stepSchema)
        .min(1, "at least one step")
        .max(50, "at most 50 steps")
        .refine(isRising, "weights that rise from step to step"),
      // What is counted of a rule is kept by its name.
      analysis: z.array(ruleSchema).refine(isOfEachOne, "each name once").exactOptional(),
    }),
    z.strictObject({
      kind: z.literal("ab"),
      variants: z
        .array(z.strictObject({ revision: z.enum(["current", "next"]), weight: percent }))
        .refine(isWhole, "current and next once each, with weights that add up to 100")
        .default(() => [...variantsDefault]),
      match: z.array(matchSchema).max(32, "at most 32 matches").default([]),
    }),
  ]),
);

function isRising(steps: readonly { readonly weight: number }[]): boolean {
  return steps.every(({ weight }, at) => weight > (steps[at - 1]?.weight ?? -1));
}

function isOfEachOne(rules: readonly { readonly name: string }[]): boolean {
  return new Set(rules.map(({ name }) => name)).size === rules.length;
}

function isWhole(variants: readonly { readonly revision: string; readonly weight: number }[]): boolean {
  const names = new Set(variants.map(({ revision }) => revision));
  const sum = variants.reduce((total, { weight }) => total + weight, 0);
  return variants.length === 2 && names.size === 2 && Math.abs(sum - 100) < 1e-9;
}
