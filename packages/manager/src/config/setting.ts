/**
 * The list of single settings, read from the schemas: each one's name, default, meaning, variable and flag. What the environment,
 * the explanation and the reference page go by.
 */
import { z } from "zod";
import type { FieldPath } from "./field-path.ts";
import { isRecord } from "./field-path.ts";
import { settingsSchema } from "./settings.ts";

/** One setting that has a value of its own. */
export interface Setting {
  /** As errors and documents write it: `gateway.sessions.idle`. */
  readonly name: string;
  readonly path: FieldPath;
  readonly type: "text" | "integer" | "boolean" | "list";
  /** The values allowed, when there are few. */
  readonly choices: readonly string[];
  readonly default: unknown;
  readonly meaning: string;
  /** Its environment variable, from its name: `MCP_MANAGER_GATEWAY_SESSIONS_IDLE`. */
  readonly variable: string;
  /** Its flag of `up`, for the few that have one: `--port`. */
  readonly flag?: string;
}

/** What every variable of the program begins with. */
export const variablePrefix = "MCP_MANAGER_";

/** Settings that have a flag. */
const flags: Readonly<Record<string, string>> = {
  data: "--data",
  host: "--host",
  port: "--port",
  grpcPort: "--grpc-port",
};

/** The JSON Schema of all settings as written. */
export const settingsJsonSchema: Readonly<Record<string, unknown>> = z.toJSONSchema(settingsSchema, { io: "input" });

/** Every setting, in the order of the schemas. */
export const settings: readonly Setting[] = leaves(settingsJsonSchema, []);

function leaves(schema: Readonly<Record<string, unknown>>, path: readonly string[]): readonly Setting[] {
  const { properties } = schema;
  if (!isRecord(properties)) return [toSetting(schema, path)];
  return Object.entries(properties).flatMap(([key, inner]) => (isRecord(inner) ? leaves(inner, [...path, key]) : []));
}

function toSetting(schema: Readonly<Record<string, unknown>>, path: readonly string[]): Setting {
  const name = path.join(".");
  const flag = flags[name];
  return {
    name,
    path,
    type: typeOf(schema["type"] ?? firstForm(schema["anyOf"])),
    choices: Array.isArray(schema["enum"]) ? schema["enum"].map(String) : [],
    default: schema["default"],
    meaning: typeof schema["description"] === "string" ? schema["description"] : "",
    variable: variableOf(path),
    ...(flag === undefined ? {} : { flag }),
  };
}

function variableOf(path: readonly string[]): string {
  const words = path.map((key) => key.replaceAll(/([A-Z])/g, "_$1").toUpperCase());
  return `${variablePrefix}${words.join("_")}`;
}

/** A number or a word (`off`) is read as a number where it is one. */
function firstForm(forms: unknown): unknown {
  const [first] = Array.isArray(forms) ? (forms as readonly unknown[]) : [];
  return isRecord(first) ? first["type"] : undefined;
}

function typeOf(type: unknown): Setting["type"] {
  if (type === "integer" || type === "boolean") return type;
  return type === "array" ? "list" : "text";
}
