/**
 * What an operation is: everything a door, a document or a client needs to know about one thing that can be asked for. Data
 * only; the doing is in the daemon.
 */
import type { z } from "zod";
import { ManagerError } from "./error.ts";
import type { ErrorCode, FieldError } from "./error.ts";
import { invalidFields } from "./check.ts";
import { nearest } from "./nearest.ts";
import type { Permission } from "./role.ts";

/** A value taken from the path, the query or a header. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly type: "string" | "integer" | "boolean";
  readonly summary: string;
  /** Bounds of an integer. */
  readonly min?: number;
  readonly max?: number;
  readonly example?: string;
}

/** One successful answer. */
export interface Answer {
  readonly status: number;
  readonly summary: string;
  /** Absent when there is no JSON body. */
  readonly schema?: z.ZodType;
  /** Media types. Default: `application/json`. */
  readonly types?: readonly string[];
  /** Header names with what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How an operation is asked for over gRPC, where its name and its parameters do not say it all. */
export interface Rpc {
  /** The method of `mcpmanager.v1.MCPManager`. */
  readonly method: string;
  /** Fields of the request that hold parameters under another name, by the parameter's. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The field of the response that the answer stands in, where more is said beside it. Default: the answer is the response. */
  readonly answer?: string;
}

/** One thing that can be asked for. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With `{placeholders}` for path parameters. */
  readonly path: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly body?: z.ZodType;
  /** Whether the body may be left out. Default: it may not. */
  readonly bodyOptional?: boolean;
  readonly answers: readonly Answer[];
  /** What the caller must hold; absent where no credential is asked for. */
  readonly permission?: Permission;
  /** The failures peculiar to it. Every operation may also fail by `commonErrors`. */
  readonly errors: readonly ErrorCode[];
  /** The command that does it: `server list`. */
  readonly cli?: string;
  /** Default: what `rpcOf` says. */
  readonly rpc?: Rpc;
}

/** How any operation with a credential may fail. */
export const commonErrors: readonly ErrorCode[] = [
  "invalid_argument",
  "unauthenticated",
  "permission_denied",
  "internal",
  "unavailable",
];

/** How it is asked for over gRPC: by a method of its name with a capital, unless it says otherwise. */
export function rpcOf(name: string, operation: Operation): Rpc {
  return operation.rpc ?? { method: name.slice(0, 1).toUpperCase() + name.slice(1) };
}

/** A parameter's value, by its type. */
export type ParameterValue = string | number | boolean;

/** The query of a request, checked. Throws `invalid_argument` for unknown, repeated or wrong parameters, all at once. */
export function parseQuery(operation: Operation, query: URLSearchParams): ReadonlyMap<string, ParameterValue> {
  const known = operation.parameters.filter((parameter) => parameter.in === "query");
  const values = new Map<string, ParameterValue>();
  const wrong: FieldError[] = [];
  for (const key of new Set(query.keys())) {
    const parameter = known.find(({ name }) => name === key);
    const texts = query.getAll(key);
    const value = parameter === undefined || texts.length > 1 ? undefined : valueOf(parameter, texts[0] ?? "");
    if (value === undefined) wrong.push(queryError(key, texts, parameter, known));
    else values.set(key, value);
  }
  if (wrong.length > 0) throw invalidFields("query", wrong);
  return values;
}

function valueOf(parameter: Parameter, text: string): ParameterValue | undefined {
  if (parameter.type === "string") return text === "" ? undefined : text;
  if (parameter.type === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = parameter;
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : -1;
  return number >= min && number <= max ? number : undefined;
}

function queryError(
  key: string,
  texts: readonly string[],
  parameter: Parameter | undefined,
  known: readonly Parameter[],
): FieldError {
  const given = texts.length > 1 ? `${texts.length} values` : JSON.stringify((texts[0] ?? "").slice(0, 60));
  const path = `?${key.slice(0, 60)}`;
  if (parameter !== undefined) return { path, given, expected: expectedOf(parameter) };
  const names = known.map(({ name }) => name);
  const close = nearest(key, names);
  const hint = close === undefined ? "" : `; did you mean ${close}?`;
  return { path, given, expected: `no such parameter${hint} (known here: ${names.join(", ") || "none"})` };
}

function expectedOf({ type, min = 0, max }: Parameter): string {
  if (type === "boolean") return "true or false, once";
  if (type === "string") return "a text, once";
  return max === undefined ? `a whole number from ${min}, once` : `a whole number from ${min} to ${max}, once`;
}

/** `team=forecast,tier=1` as labels. Throws `invalid_argument` when it is anything else. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => pair.split("="));
  if (pairs.some((pair) => pair.length !== 2 || pair[0] === "")) {
    throw new ManagerError("invalid_argument", `labels: given "${text.slice(0, 60)}", expected name=value,name=value`, {
      fields: [{ path: "?labels", given: JSON.stringify(text.slice(0, 60)), expected: "name=value,name=value" }],
    });
  }
  return Object.fromEntries(pairs.map(([key = "", value = ""]) => [key, value]));
}
