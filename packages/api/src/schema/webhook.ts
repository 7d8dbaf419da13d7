/** Schemas of Webhook and DeadLetter. What an address may be beyond its syntax is the manager's to judge: it knows `egress.allow`. */
import { z } from "zod";
import type { DeadLetter, DeadLetterCount, DeadLetterSpec, DeadLetterStatus } from "../dead-letter.ts";
import { findReferences } from "../reference.ts";
import type { Webhook, WebhookInput, WebhookSpec, WebhookStatus, WebhookTemplate } from "../webhook.ts";
import { metadataInputSchema, metadataSchema, timeSchema } from "./common.ts";
import { eventSchema } from "./event.ts";
import { exactly } from "./exact.ts";
import { hiddenValue } from "./source.ts";

const urlLengthMax = 2048;

const urlSchema = z.string().check(({ value, issues }) => {
  const expected = wrongUrl(value);
  if (expected !== undefined) issues.push({ code: "custom", input: value, message: expected });
});

function wrongUrl(text: string): string | undefined {
  if (text.length > urlLengthMax) return `at most ${urlLengthMax} characters`;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    return "an address such as https://hooks.example.com/manager";
  if (url.username !== "" || url.password !== "") return "an address without a user name or password";
  return url.hash === "" ? undefined : "an address without #…";
}

/** What `topics` holds: the syntax alone, since topics are added by newer versions. */
const topicPattern = /^(?:[a-z0-9-]+|\*|#)(?:\.(?:[a-z0-9-]+|\*|#))*$/;

const topicsSchema = z
  .array(
    z
      .string()
      .max(128, "at most 128 characters")
      .regex(topicPattern, "words by dots, with * for one word and # for any number, such as server.* or deployment.#"),
  )
  .min(1, 'at least one pattern; "#" is everything')
  .max(32, "at most 32 patterns");

/** What a text has to be to sign with. */
export const signingSecretRule = "16 to 256 characters, or whsec_ and 24 to 64 bytes in base64";
const secretRule = "16 to 256 characters, whsec_ and 24 to 64 bytes in base64, or ${secret:name}";

const secretSchema = z.string().check(({ value, issues }) => {
  if (value !== hiddenValue && !isSecretText(value)) issues.push({ code: "custom", input: value, message: secretRule });
});

function isSecretText(text: string): boolean {
  const [reference, ...others] = findReferences(text);
  if (reference !== undefined)
    return others.length === 0 && reference.text === text && reference.source === "secret" && reference.key !== "";
  return isSigningSecret(text);
}

/** Whether deliveries can be signed with this text; with another the key would be short, or none. */
export function isSigningSecret(text: string): boolean {
  if (text.startsWith("whsec_")) return /^[A-Za-z0-9+/]{32,86}={0,2}$/.test(text.slice("whsec_".length));
  return text.length >= 16 && text.length <= 256 && /^[\x20-\x7e]+$/.test(text);
}

const templates: readonly [WebhookTemplate, ...WebhookTemplate[]] = ["raw", "slack"];

/** A Webhook as written. */
export const webhookInputSchema: z.ZodType<WebhookInput, WebhookInput> = exactly<WebhookInput>()(
  z.strictObject({
    kind: z.literal("Webhook").exactOptional(),
    metadata: metadataInputSchema,
    spec: z.strictObject({
      url: urlSchema,
      topics: topicsSchema.exactOptional(),
      secret: secretSchema.exactOptional(),
      template: z.enum(templates).exactOptional(),
      enabled: z.boolean().exactOptional(),
    }),
    status: z.unknown().exactOptional(),
  }),
);

const webhookStatusSchema = exactly<WebhookStatus>()(
  z.strictObject({
    state: z.enum(["active", "failing", "paused"]),
    lastDelivery: z.strictObject({ at: timeSchema, status: z.int(), durationMs: z.number() }).exactOptional(),
    lastFailure: z.strictObject({ at: timeSchema, message: z.string() }).exactOptional(),
    pending: z.int(),
    deadLetters: z.int(),
    position: z.string().exactOptional(),
    goneGeneration: z.int().exactOptional(),
  }),
);

const webhookSpecSchema = exactly<WebhookSpec>()(
  z.strictObject({
    url: z.string(),
    topics: z.array(z.string()),
    secret: z.string().exactOptional(),
    template: z.enum(templates),
    enabled: z.boolean(),
  }),
);

export const webhookSchema: z.ZodType<Webhook, Webhook> = exactly<Webhook>()(
  z.strictObject({
    kind: z.literal("Webhook"),
    metadata: metadataSchema,
    spec: webhookSpecSchema,
    status: webhookStatusSchema,
  }),
);

const deadLetterSpecSchema = exactly<DeadLetterSpec>()(
  z.strictObject({
    source: z.strictObject({ kind: z.enum(["webhook", "handler"]), name: z.string() }),
    deliveryId: z.string(),
    event: eventSchema,
    firstAttemptAt: timeSchema,
  }),
);

const deadLetterStatusSchema = exactly<DeadLetterStatus>()(
  z.strictObject({
    attempts: z.int(),
    lastError: z.string(),
    lastStatus: z.int().exactOptional(),
    at: timeSchema,
  }),
);

export const deadLetterSchema: z.ZodType<DeadLetter, DeadLetter> = exactly<DeadLetter>()(
  z.strictObject({
    kind: z.literal("DeadLetter"),
    metadata: metadataSchema,
    spec: deadLetterSpecSchema,
    status: deadLetterStatusSchema,
  }),
);

/** How many dead letters it was. */
export const deadLetterCountSchema: z.ZodType<DeadLetterCount, DeadLetterCount> = exactly<DeadLetterCount>()(
  z.strictObject({ count: z.int() }),
);
