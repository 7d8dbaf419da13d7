/**
 * Runs a schema over something a person wrote and turns what is wrong into field errors that a person can act on: where, what
 * was given, what is allowed; for an unknown field the nearest known ones. All problems at once. Values that may be secret
 * (`env`, `headers`, secrets, URLs) are described, never repeated.
 */
import type { z } from "zod";
import { ManagerError } from "./error.ts";
import type { FieldError } from "./error.ts";
import { nearest } from "./nearest.ts";

/** What checking something gave. */
export type Checked<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "wrong"; readonly fields: readonly FieldError[] };

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

/** Checks `input`; every problem becomes a FieldError. */
export function check<T>(schema: z.ZodType<T, unknown>, input: unknown): Checked<T> {
  const result = schema.safeParse(input, { error: expectation });
  if (result.success) return { kind: "ok", value: result.data };
  return { kind: "wrong", fields: result.error.issues.flatMap((issue) => toFields(issue, input)) };
}

/** The error for wrong fields. `subject` is what was being checked: `server weather`. Changes nothing by itself. */
export function invalidFields(subject: string, fields: readonly FieldError[]): ManagerError {
  const shown = fields.slice(0, 5).map(({ path, given, expected }) => `${path}: given ${given}, expected ${expected}`);
  if (fields.length > shown.length) shown.push(`and ${fields.length - shown.length} more`);
  const count = fields.length === 1 ? "1 field is" : `${fields.length} fields are`;
  return new ManagerError("invalid_argument", `${subject}: ${count} wrong: ${shown.join("; ")}`, {
    reason: "INVALID_FIELDS",
    fields,
  });
}

/** A value in a few words for an error message; `secret` ones by their type only. */
export function describe(value: unknown, secret = false): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "an object";
  if (secret) return typeof value === "string" ? "text (not shown)" : `a ${typeof value}`;
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  return `${value as number | boolean | bigint}`;
}

/** A path as people write it: `spec.source.args[0]`, `spec.source.env["A B"]`. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path
    .map((key) => {
      if (typeof key === "number") return `[${key}]`;
      return /^[\w-]+$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(String(key))}]`;
    })
    .join("");
  return text.replace(/^\./, "") || "the whole";
}

/** What is expected, as zod's message. For unknown fields: the known names, to be spread by `toFields`. */
function expectation(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeWords[issue.expected] ?? issue.expected;
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_union":
      return "options" in issue && Array.isArray(issue.options) ? oneOf(issue.options) : "another form";
    case "unrecognized_keys":
      return JSON.stringify(knownFields(issue.inst));
    case "too_small":
      return `at least ${String(issue.minimum)}`;
    case "too_big":
      return `at most ${String(issue.maximum)}`;
    case "invalid_key":
      return issue.issues[0]?.message ?? "another name";
    default:
      return issue.message ?? "another value";
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object of fields",
  record: "an object of names and values",
};

function oneOf(values: readonly unknown[]): string {
  const words = values.map(String);
  return words.length === 1 ? String(words[0]) : `one of ${words.join(", ")}`;
}

function knownFields(schema: unknown): readonly string[] {
  const def = (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def;
  return Object.keys(def?.shape ?? {});
}

function toFields(issue: Issue, input: unknown): readonly FieldError[] {
  if (issue.code === "unrecognized_keys") {
    const known = JSON.parse(issue.message) as readonly string[];
    return issue.keys.map((key) => unknownField([...issue.path, key], known, input));
  }
  const given = at(input, issue.path);
  const quotes = issue.message === "text" && ["number", "boolean"].includes(typeof given);
  const hint = quotes ? ` (in quotes: "${isSecret(issue.path) ? "…" : String(given)}")` : "";
  const shown = issue.code === "invalid_key" ? "this name" : describe(given, isSecret(issue.path));
  return [{ path: pathText(issue.path), given: shown, expected: issue.message + hint }];
}

function unknownField(path: readonly PropertyKey[], known: readonly string[], input: unknown): FieldError {
  const close = nearest(String(path.at(-1)), known);
  const hint = close === undefined ? "" : `; did you mean ${close}?`;
  return {
    path: pathText(path),
    given: describe(at(input, path), true),
    expected: `no such field${hint} (known here: ${known.join(", ")})`,
  };
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

const secretKeys: ReadonlySet<PropertyKey> = new Set(["env", "headers", "url", "secret"]);

function isSecret(path: readonly PropertyKey[]): boolean {
  return path.some((key) => secretKeys.has(key));
}
