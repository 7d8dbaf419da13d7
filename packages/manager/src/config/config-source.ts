/**
 * The configuration of one run over time: as it was at the start, and what its file says later. Flags and environment stay what
 * they were. Reads and compares; whoever holds it decides when to read again, and applies what it says.
 */
import { dirname, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ManagerError } from "@mcp-manager/api";
import { unreadable } from "./config-file.ts";
import { valueAt } from "./field-path.ts";
import type { Clock } from "../base/clock.ts";
import type { Config, LoadOptions } from "./load.ts";
import { loadConfig } from "./load.ts";
import { ParseThread } from "./parse-thread.ts";
import type { Note } from "./problem.ts";
import type { ConfiguredServer } from "./servers.ts";
import { settings as settingList } from "./setting.ts";

export interface ConfigSourceOptions extends LoadOptions {
  readonly clock: Clock;
  /** The text of the file when it is read again; rejects when it cannot be read. */
  readAgain(path: string): Promise<string>;
}

/** What a text says that stands, or would stand, in the file. */
export interface Reading {
  readonly servers: readonly ConfiguredServer[];
  /** Names of the settings that it has otherwise than they are in force: they need a restart. */
  readonly restart: readonly string[];
  readonly notes: readonly Note[];
}

/** The file of a run, to be read again. */
export interface ConfigFile {
  /** As the user named it. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** What it says now; undefined when its text is what it was the last time. Throws `invalid_argument`, with places, when it is wrong. */
  read(signal: AbortSignal): Promise<Reading | undefined>;
}

export class ConfigSource {
  /** What the run was started with. */
  readonly config: Config;
  /** Absent when there is none. */
  readonly file: ConfigFile | undefined;
  readonly #options: ConfigSourceOptions;
  /** Apart, so that whoever asks about texts never keeps the file waiting. */
  readonly #threads: Readonly<Record<"file" | "asked", ParseThread>>;
  /** The text that was read last, right or wrong; undefined when it could not be read. */
  #text: string | undefined;

  /** Reads the configuration. Throws `invalid_argument`, as `loadConfig` does. */
  constructor(options: ConfigSourceOptions) {
    this.#options = options;
    this.#threads = { file: new ParseThread(options.clock), asked: new ParseThread(options.clock) };
    this.config = loadConfig({ ...options, readFile: (path) => (this.#text = options.readFile(path)) });
    const { file: name } = this.config;
    if (name !== undefined)
      this.file = { name, path: resolve(options.cwd, name), read: (signal) => this.#read(name, signal) };
  }

  /**
   * What `text` would say in place of the file; its mistakes are told as those of `name`. Rejects with `invalid_argument`, with
   * `resource_exhausted` when it is too much or too many ask.
   */
  async parse(text: string, name: string, signal: AbortSignal): Promise<Reading> {
    return await this.#parse(this.#threads.asked, { text, name, signal });
  }

  async #parse(thread: ParseThread, { text, name, signal }: NamedText): Promise<Reading> {
    const { flags, env, cwd } = this.#options;
    // What stands in the place of the run's own file is relative to that, whatever it is called.
    const folder = this.file === undefined ? {} : { folder: dirname(this.file.path) };
    const task = { flags: { ...flags, config: name }, env, cwd, ...folder, text };
    const { settings, servers, notes, isEmpty } = await thread.parse(task, signal);
    if (isEmpty) throw invalid(`${name} is empty: write "servers: {}" when it is to hold no server`);
    const changed = settingList.filter(
      ({ path }) => !isDeepStrictEqual(valueAt(settings, path), valueAt(this.config.settings, path)),
    );
    return { servers, restart: changed.map(({ name: setting }) => setting), notes };
  }

  async #read(name: string, signal: AbortSignal): Promise<Reading | undefined> {
    const { cwd, readAgain } = this.#options;
    const before = this.#text;
    this.#text = undefined;
    const text = await readAgain(resolve(cwd, name)).catch((error: unknown) => {
      throw unreadable(name, error);
    });
    if (text !== before) return await this.#parseFile({ text, name, signal });
    this.#text = text;
    return undefined;
  }

  /** A text counts as read when it is known whether it is right. */
  async #parseFile(asked: NamedText): Promise<Reading> {
    try {
      const reading = await this.#parse(this.#threads.file, asked);
      this.#text = asked.text;
      return reading;
    } catch (error) {
      if (error instanceof ManagerError && error.code === "invalid_argument") this.#text = asked.text;
      throw error;
    }
  }
}

interface NamedText {
  readonly text: string;
  /** What it is called in mistakes. */
  readonly name: string;
  readonly signal: AbortSignal;
}

function invalid(message: string): ManagerError {
  return new ManagerError("invalid_argument", message, { reason: "INVALID_CONFIG" });
}
