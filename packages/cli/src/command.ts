/** What a command is: data that parsing, help and tests read, and a function that does it. */
import type { Client } from "@mcp-manager/client";
import type { Io } from "./io.ts";
import type { Printer } from "./output.ts";

/** One option of a command. */
export interface Option {
  readonly type: "string" | "boolean";
  /** One letter. */
  readonly short?: string;
  /** What its value is called in help: `FILE`. */
  readonly value?: string;
  /** Whether it may be given again and again. Only for those of type string. */
  readonly many?: true;
  readonly summary: string;
}

/** One argument that has no name. */
export interface Positional {
  readonly name: string;
  readonly optional?: boolean;
  /** Whether it takes all that follow. */
  readonly many?: boolean;
}

/** What a command is run with. */
export interface Invocation {
  readonly io: Io;
  readonly positionals: readonly string[];
  /** The value of an option of type string. */
  option(name: string): string | undefined;
  /** All values of an option that may be given again and again, in their order. */
  all(name: string): readonly string[];
  /** Whether an option of type boolean was given. */
  flag(name: string): boolean;
  /** Where results go, in the format that was asked for. */
  readonly print: Printer;
  /** The manager that is meant; nothing is connected yet. */
  client(): Client;
}

export interface Command {
  /** `["server", "list"]`. */
  readonly words: readonly string[];
  /** One line, without a full stop. */
  readonly summary: string;
  readonly positionals?: readonly Positional[];
  readonly options?: Readonly<Record<string, Option>>;
  /** Whether it asks no manager and answers nothing: of the common options, only help is its. */
  readonly isLocal?: true;
  /** Sentences on what summary and options leave open. */
  readonly notes?: readonly string[];
  /** Whole lines that work. At least one. */
  readonly examples: readonly string[];
  /** Resolves with the exit status. A ManagerError it rejects with is shown as one line. */
  run(invocation: Invocation): Promise<number>;
}

/** Options that every command has which asks a manager. */
export const commonOptions: Readonly<Record<string, Option>> = {
  output: { type: "string", short: "o", value: "table|json|yaml", summary: "How results are printed. Default: table" },
  url: { type: "string", value: "URL", summary: "The manager. Default: MCP_MANAGER_URL, or http://127.0.0.1:8080" },
  data: {
    type: "string",
    value: "DIR",
    summary: "Its data directory, where the admin key is. Default: MCP_MANAGER_DATA, or ./data",
  },
  help: { type: "boolean", short: "h", summary: "Show help" },
};
