/** Schemas of Secrets, and of imports, which make some. */
import { z } from "zod";
import { errorCodes } from "../error.ts";
import type { ErrorCode } from "../error.ts";
import type { ImportAnswer, ImportedSecret, ImportedServer } from "../import.ts";
import type { Secret, SecretInput, SecretSpec, SecretStatus } from "../secret.ts";
import { metadataInputSchema, metadataSchema } from "./common.ts";
import { exactly } from "./exact.ts";

/** As many as a file of a secret may have (`${file:/path}`). */
const valueBytesMax = 65_536;

const secretSpecSchema = exactly<SecretSpec>()(z.record(z.string(), z.never()));

/** A Secret as answered: without its value. */
export const secretSchema: z.ZodType<Secret, Secret> = exactly<Secret>()(
  z.strictObject({
    kind: z.literal("Secret"),
    metadata: metadataSchema,
    spec: secretSpecSchema,
    status: exactly<SecretStatus>()(z.strictObject({ usedBy: z.array(z.string()) })),
  }),
);

const valueSchema = z
  .string()
  .min(1, "a text that is not empty")
  .refine(
    (text) => new TextEncoder().encode(text).byteLength <= valueBytesMax,
    `at most ${valueBytesMax} bytes: keep what is larger in a file, and reference it as \${file:/path}`,
  )
  .refine((text) => !text.includes("\0") && text.isWellFormed(), "text without NUL characters and half characters");

/** A Secret as written. */
export const secretInputSchema: z.ZodType<SecretInput, SecretInput> = exactly<SecretInput>()(
  z.strictObject({
    kind: z.literal("Secret").exactOptional(),
    metadata: metadataInputSchema,
    spec: z.strictObject({ value: valueSchema }),
    status: z.unknown().exactOptional(),
  }),
);

/** Either form of an import's body: `{text, filename}`, or any client's document. Told apart by the operation. */
export const importRequestSchema: z.ZodType<Record<string, unknown>, Record<string, unknown>> = z.record(
  z.string(),
  z.unknown(),
);

const importedServerSchema = exactly<ImportedServer>()(
  z.strictObject({
    name: z.string(),
    outcome: z.enum(["created", "changed", "unchanged", "refused"]),
    deployment: z.string().exactOptional(),
    error: z
      .strictObject({
        code: z.enum(Object.keys(errorCodes) as ErrorCode[]),
        message: z.string(),
        fields: z.array(z.strictObject({ path: z.string(), given: z.string(), expected: z.string() })).exactOptional(),
      })
      .exactOptional(),
    notes: z.array(z.string()).exactOptional(),
  }),
);

/** The answer to an import. */
export const importAnswerSchema: z.ZodType<ImportAnswer, ImportAnswer> = exactly<ImportAnswer>()(
  z.strictObject({
    servers: z.array(importedServerSchema),
    secrets: z.array(
      exactly<ImportedSecret>()(z.strictObject({ name: z.string(), server: z.string(), field: z.string() })),
    ),
    notes: z.array(z.string()),
  }),
);
