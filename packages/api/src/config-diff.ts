/** What a configuration file would change on a running manager: what is asked, and what is answered. */
import type { FieldChange } from "./answers.ts";

/** The body of the question. */
export interface ConfigDiffRequest {
  /** What the file would hold: ours in YAML or JSON, or a client's JSON. At most 4 MiB, as a file. */
  readonly text: string;
  /** What it is called, for mistakes in it; what ends in `.json` is JSON. Default `servers.yaml`. */
  readonly filename?: string;
}

/** What would become of one server. */
export interface ServerDifference {
  readonly name: string;
  readonly change: "created" | "changed" | "deleted" | "unchanged";
  /** Fields of spec and labels; of a new one those that are not as by default. Values of `env` and `headers` are hidden. */
  readonly fields: readonly FieldChange[];
  /** Whether a deployment would begin. */
  readonly deployment: boolean;
  /** Why it stays, where the file alone does not say it. */
  readonly message?: string;
}

/** What would become of all of them. */
export interface ConfigDiff {
  /** Every server that the file names or made, by name. */
  readonly servers: readonly ServerDifference[];
  /** Names of settings that would need a restart. */
  readonly restart: readonly string[];
}
