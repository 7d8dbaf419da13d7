/**
 * Settings from the environment and from flags: texts into values by the setting's type, and a word about variables that mean
 * nothing. Whether a value is allowed is the schema's to say. Values of unknown variables are never shown.
 */
import { nearest } from "@mcp-manager/api";
import type { FieldPath } from "./field-path.ts";
import type { Origin } from "./origin.ts";
import type { Note } from "./problem.ts";
import type { Setting } from "./setting.ts";
import { settings, variablePrefix } from "./setting.ts";

/** Variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags of `up`, as written. */
export interface Flags {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly grpcPort?: string | undefined;
}

/** One value that was given. */
export interface Given {
  readonly path: FieldPath;
  readonly value: unknown;
  readonly origin: Origin;
}

/** Names the configuration file. */
export const configVariable = "MCP_MANAGER_CONFIG";
/** The first admin key. No setting: it is handed on, and shown nowhere. */
export const adminKeyVariable = "MCP_MANAGER_ADMIN_KEY";
/** Variables of the command line, which are none of the manager's business. */
const otherVariables = ["MCP_MANAGER_URL", "MCP_MANAGER_API_KEY", "MCP_MANAGER_REGISTRY", "MCP_MANAGER_RESTARTED"];

/** The value of a variable; an empty one counts as not set. */
export function variable(env: Environment, name: string): string | undefined {
  return env[name] === "" ? undefined : env[name];
}

/** What the environment sets. */
export function fromEnvironment(env: Environment): readonly Given[] {
  return settings.flatMap((setting) => {
    const text = variable(env, setting.variable);
    if (text === undefined || isServiceLink(setting.variable, text)) return [];
    return [{ path: setting.path, value: read(setting, text), origin: { kind: "env", variable: setting.variable } }];
  });
}

/** What the flags set. */
export function fromFlags(flags: Flags): readonly Given[] {
  const texts = new Map<string, string | undefined>(Object.entries(flags));
  return settings.flatMap((setting) => {
    const text = texts.get(setting.name);
    if (text === undefined || setting.flag === undefined) return [];
    return [{ path: setting.path, value: read(setting, text), origin: { kind: "flag", flag: setting.flag } }];
  });
}

/** A warning for each variable that looks like ours and is not. */
export function unknownVariables(env: Environment): readonly Note[] {
  const known = [...settings.map(({ variable: name }) => name), configVariable, adminKeyVariable, ...otherVariables];
  return Object.entries(env)
    .filter(([name]) => name.startsWith(variablePrefix) && !known.includes(name))
    .filter(([name, value]) => !isServiceLink(name, value ?? ""))
    .map(([name]) => {
      const close = nearest(
        name.slice(variablePrefix.length),
        known.map((word) => word.slice(variablePrefix.length)),
      );
      const hint = close === undefined ? "" : `; did you mean ${variablePrefix}${close}?`;
      return { level: "warn", message: `the environment variable ${name} means nothing${hint}` };
    });
}

/** Kubernetes sets these in every pod beside a Service named `mcp-manager`; `MCP_MANAGER_PORT` is then `tcp://…`. */
function isServiceLink(name: string, value: string): boolean {
  return /^[a-z]+:\/\//.test(value)
    ? /^MCP_MANAGER_PORT(?:_\d+_\w+)?$/.test(name)
    : /^MCP_MANAGER_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_[A-Z]+_(?:PROTO|PORT|ADDR))$/.test(name);
}

/** Text as a value of the setting's type; as it is when it is none, so that the schema's rule is what the user reads. */
function read({ type }: Setting, text: string): unknown {
  switch (type) {
    case "integer":
      return /^\d{1,15}$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" || (text === "false" ? false : text);
    case "list":
      return text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
    case "text":
      return text;
  }
}
