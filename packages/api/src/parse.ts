/**
 * From what a person wrote (JSON, YAML, a form) to a checked draft, or to one error that names every wrong field. The one
 * validation of the project: the REST door, the configuration file and the command line all come through here.
 */
import type { ApiKeyDraft } from "./api-key.ts";
import { check, describe, invalidFields } from "./check.ts";
import type { Checked } from "./check.ts";
import type { FieldError } from "./error.ts";
import { isName } from "./name.ts";
import { apiKeyInputSchema } from "./schema/kinds.ts";
import { secretInputSchema } from "./schema/secret.ts";
import { serverInputSchema } from "./schema/server.ts";
import type { SecretDraft } from "./secret.ts";
import { webhookInputSchema } from "./schema/webhook.ts";
import type { ServerDraft } from "./server.ts";
import { refusedFields } from "./unavailable.ts";
import type { WebhookDraft } from "./webhook.ts";

export interface ParseOptions {
  /** The name from the path it was sent to: fills a missing `metadata.name`, and a different one is an error. */
  readonly name?: string;
}

/** A checked Server with every default. Throws `invalid_argument` with all wrong `fields`. */
export function parseServer(input: unknown, options: ParseOptions = {}): ServerDraft {
  const named = withName(input, options.name);
  const refused = refusedFields(named);
  const checked = check(serverInputSchema, named);
  const others = wrongFields(checked).filter(({ path }) => !refused.some(({ scope }) => isWithin(path, scope)));
  const fields = [...mismatch(named, options.name), ...refused.map(({ field }) => field), ...others];
  if (checked.kind === "wrong" || fields.length > 0) throw invalidFields(subject("server", named), fields);
  const { metadata, spec } = checked.value;
  return { name: metadata.name, labels: metadata.labels ?? {}, spec };
}

/** A checked ApiKey; its principal is `key:<name>` unless given. Throws `invalid_argument` with all wrong `fields`. */
export function parseApiKey(input: unknown): ApiKeyDraft {
  const checked = check(apiKeyInputSchema, input);
  if (checked.kind === "wrong") throw invalidFields(subject("API key", input), checked.fields);
  const { metadata, spec } = checked.value;
  const principal = spec.principal ?? `key:${metadata.name}`;
  return { name: metadata.name, labels: metadata.labels ?? {}, spec: { ...spec, principal } };
}

/** A checked Secret. Throws `invalid_argument` with all wrong `fields`, which repeat nothing of what was given but its metadata. */
export function parseSecret(input: unknown, options: ParseOptions = {}): SecretDraft {
  const named = withName(input, options.name);
  const checked = check(secretInputSchema, named);
  const fields = [...mismatch(named, options.name), ...wrongFields(checked).map(withoutValue)];
  if (checked.kind === "wrong" || fields.length > 0) throw invalidFields(subject("secret", named), fields);
  const { metadata, spec } = checked.value;
  const labels = metadata.labels === undefined ? {} : { labels: metadata.labels };
  return { name: metadata.name, ...labels, value: spec.value };
}

/** Whoever puts the value into the wrong place must not find it in an error, which may be logged where they are. */
function withoutValue(field: FieldError): FieldError {
  const isHarmless = field.path.startsWith("metadata.") || /^(?:nothing|null|an? [a-z ]+)$/.test(field.given);
  return isHarmless ? field : { ...field, given: "something else (not shown)" };
}

/** A checked Webhook with every default, its secret as it was written. Throws `invalid_argument` with all wrong `fields`. */
export function parseWebhook(input: unknown, options: ParseOptions = {}): WebhookDraft {
  const named = withName(input, options.name);
  const checked = check(webhookInputSchema, named);
  const fields = [...mismatch(named, options.name), ...wrongFields(checked)];
  if (checked.kind === "wrong" || fields.length > 0) throw invalidFields(subject("webhook", named), fields);
  const { metadata, spec } = checked.value;
  const { topics = ["#"], template = "raw", enabled = true } = spec;
  return { name: metadata.name, labels: metadata.labels ?? {}, spec: { ...spec, topics, template, enabled } };
}

function wrongFields(checked: Checked<unknown>): readonly FieldError[] {
  return checked.kind === "wrong" ? checked.fields : [];
}

function isWithin(path: string, scope: string): boolean {
  return path === scope || path.startsWith(`${scope}.`) || path.startsWith(`${scope}[`);
}

function withName(input: unknown, name: string | undefined): unknown {
  if (name === undefined || !isObject(input)) return input;
  const metadata = input["metadata"];
  if (metadata === undefined) return { ...input, metadata: { name } };
  return isObject(metadata) && metadata["name"] === undefined ? { ...input, metadata: { ...metadata, name } } : input;
}

function mismatch(input: unknown, name: string | undefined): readonly FieldError[] {
  const given = nameOf(input);
  if (name === undefined || typeof given !== "string" || given === name || !isName(given)) return [];
  return [{ path: "metadata.name", given: describe(given), expected: `${name}, the name in the path` }];
}

function subject(noun: string, input: unknown): string {
  const name = nameOf(input);
  return typeof name === "string" && name !== "" ? `${noun} ${name.slice(0, 60)}` : noun;
}

function nameOf(input: unknown): unknown {
  const metadata = isObject(input) ? input["metadata"] : undefined;
  return isObject(metadata) ? metadata["name"] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
