/** Schemas of what many resources share: names, labels, quantities, metadata, failures, lists. */
import { z } from "zod";
import { derivedNamePattern, namePattern, nameRule } from "../name.ts";
import { durationPattern, durationRule, sizePattern, sizeRule } from "../quantity.ts";
import type { Duration, Size } from "../quantity.ts";
import type { Condition, LastFailure, List, Metadata, MetadataInput } from "../resource.ts";
import { exactly } from "./exact.ts";

const labelKeyPattern = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;

/** A name that a user gives. */
const nameSchema: z.ZodType<string, string> = z.string().regex(namePattern, nameRule);

/** A name that the manager makes. */
const derivedNameSchema: z.ZodType<string, string> = z.string().regex(derivedNamePattern);

export const durationSchema: z.ZodType<Duration, Duration> = z
  .string()
  .regex(durationPattern, durationRule) as unknown as z.ZodType<Duration, Duration>;

export const sizeSchema: z.ZodType<Size, Size> = z.string().regex(sizePattern, sizeRule) as unknown as z.ZodType<
  Size,
  Size
>;

/** A point in time with its offset, RFC 3339. */
export const timeSchema: z.ZodType<string, string> = z.iso.datetime({
  offset: true,
  error: "a time such as 2027-01-31T12:00:00Z",
});

/** Labels: at most 64, keys as in Kubernetes, values of at most 253 characters. */
const labelsSchema: z.ZodType<Record<string, string>, Record<string, string>> = z
  .record(
    z.string().regex(labelKeyPattern, "a label's name: at most 63 letters, digits, and inner . _ / -"),
    z.string().max(253, "at most 253 characters"),
  )
  .refine((labels) => Object.keys(labels).length <= 64, "at most 64 labels");

export const metadataSchema: z.ZodType<Metadata, Metadata> = exactly<Metadata>()(
  z.strictObject({
    name: derivedNameSchema,
    uid: z.string(),
    generation: z.int(),
    revision: z.string(),
    labels: labelsSchema,
    createdAt: timeSchema,
    deletedAt: timeSchema.exactOptional(),
  }),
);

export const metadataInputSchema: z.ZodType<MetadataInput, MetadataInput> = exactly<MetadataInput>()(
  z.strictObject({
    name: nameSchema,
    labels: labelsSchema.exactOptional(),
    uid: z.unknown().exactOptional(),
    generation: z.unknown().exactOptional(),
    revision: z.unknown().exactOptional(),
    createdAt: z.unknown().exactOptional(),
    deletedAt: z.unknown().exactOptional(),
  }),
);

export const lastFailureSchema: z.ZodType<LastFailure, LastFailure> = exactly<LastFailure>()(
  z.strictObject({
    stage: z.enum(["configure", "start", "initialize", "health", "run", "call", "stop"]),
    message: z.string(),
    at: timeSchema,
    stderr: z.array(z.string()).exactOptional(),
    exitCode: z.int().exactOptional(),
    signal: z.string().exactOptional(),
  }),
);

export const conditionSchema: z.ZodType<Condition, Condition> = exactly<Condition>()(
  z.strictObject({
    type: z.string(),
    status: z.enum(["True", "False", "Unknown"]),
    reason: z.string(),
    message: z.string(),
    since: timeSchema,
  }),
);

/** The list shape around an item's schema. */
export function listSchema<Item>(item: z.ZodType<Item, Item>): z.ZodType<List<Item>, List<Item>> {
  const schema: unknown = z.strictObject({ items: z.array(item), nextCursor: z.string().exactOptional() });
  return schema as z.ZodType<List<Item>, List<Item>>;
}
