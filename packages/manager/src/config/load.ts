/**
 * The configuration of one run: the file, the environment and the flags, put together. Every setting has its value and where it
 * came from; every server is checked. All mistakes are reported at once, and then nothing is used. The one place that is handed
 * the environment.
 */
import { dirname, resolve } from "node:path";
import { readConfiguration } from "./config-file.ts";
import type { Environment, Flags } from "./environment.ts";
import {
  adminKeyVariable,
  configVariable,
  fromEnvironment,
  fromFlags,
  unknownVariables,
  variable,
} from "./environment.ts";
import { checkGiven, compose, fromDocument } from "./layers.ts";
import type { Origin } from "./origin.ts";
import type { Note, Problem } from "./problem.ts";
import { configError } from "./problem.ts";
import type { ConfiguredServer } from "./servers.ts";
import { checkServers } from "./servers.ts";
import type { Settings } from "./settings.ts";

export interface LoadOptions {
  readonly flags: Flags;
  readonly env: Environment;
  /** What relative paths are relative to. */
  readonly cwd: string;
  /** The text of a file by its absolute path; throws when it cannot be read. `config-file.ts` has the real one. */
  readFile(path: string): string;
}

/** What a run is configured with. */
export interface Config {
  readonly settings: Settings;
  /** Where each setting came from, by its name: `gateway.sessions.idle`. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly servers: readonly ConfiguredServer[];
  /** To be logged at start. */
  readonly notes: readonly Note[];
  /** The file as the user named it; absent when there is none. */
  readonly file?: string;
  /** The value of MCP_MANAGER_ADMIN_KEY. Secret. */
  readonly adminKey: string | undefined;
}

/**
 * Reads the configuration. Flags win over the environment, that over the file, that over the defaults. Throws `invalid_argument`
 * (reason INVALID_CONFIG) with every mistake, its place, what was given and what is allowed.
 */
export function loadConfig({ flags, env, cwd, readFile }: LoadOptions): Config {
  const file = flags.config ?? variable(env, configVariable);
  const { own, ...found } = readConfiguration(file, (path) => readFile(resolve(cwd, path)));
  const { servers, problems } = checkServers(found.candidates, dirname(resolve(cwd, file ?? "")));
  const written = fromDocument(own);
  const layers = [written, checkGiven(fromEnvironment(env)), checkGiven(fromFlags(flags))];
  const inFile = [...written.problems, ...found.problems, ...problems].toSorted(byPlace);
  const all = [...inFile, ...layers.slice(1).flatMap((layer) => layer.problems)];
  if (all.length > 0) throw configError(all);
  const { settings, origins } = compose(layers.flatMap((layer) => layer.given));
  return {
    settings: { ...settings, data: resolve(cwd, settings.data) },
    origins,
    servers,
    notes: [...unknownVariables(env), ...found.notes],
    ...(file === undefined ? {} : { file }),
    adminKey: variable(env, adminKeyVariable),
  };
}

/** From the top of the file to its end. */
function byPlace(a: Problem, b: Problem): number {
  return a.place.localeCompare(b.place, "en", { numeric: true });
}
