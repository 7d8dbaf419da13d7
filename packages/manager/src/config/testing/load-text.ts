/** For tests of this room: loads a text as if it were the configuration file. */
import { ManagerError } from "@mcp-manager/api";
import type { FieldError, ServerSource } from "@mcp-manager/api";
import type { Environment, Flags } from "../environment.ts";
import type { Config } from "../load.ts";
import { loadConfig } from "../load.ts";

export interface Given {
  readonly path?: string;
  readonly env?: Environment;
  readonly flags?: Flags;
}

/** The configuration that `text` is, in `/srv/servers.yaml` unless said otherwise. */
export function load(text: string, { path = "servers.yaml", env = {}, flags = {} }: Given = {}): Config {
  return loadConfig({ flags: { config: path, ...flags }, env, cwd: "/srv", readFile: () => text });
}

/** The same for a value as JSON. */
export function loadJson(value: unknown, given: Given = {}): Config {
  return load(JSON.stringify(value, null, 2), { path: "mcp.json", ...given });
}

/** The sources by name. */
export function sources(config: Config): Readonly<Record<string, ServerSource>> {
  return Object.fromEntries(config.servers.map(({ draft }) => [draft.name, draft.spec.source]));
}

/** The error that `run` throws; fails when it throws none, or another kind. */
export function refusal(run: () => unknown): ManagerError {
  try {
    run();
  } catch (error) {
    if (error instanceof ManagerError && error.code === "invalid_argument") return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** `path: expected` of every mistake. */
export function mistakes(run: () => unknown): readonly string[] {
  return refusal(run).fields.map(({ path, expected }: FieldError) => `${path}: ${expected}`);
}
