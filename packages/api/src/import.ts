/** What is asked and answered when a client's configuration is imported. */
import type { ErrorCode, FieldError } from "./error.ts";

/** The body of an import: the file as it is. The document itself, as JSON, is taken too. */
export interface ImportRequest {
  /** JSON, with comments or without, YAML or TOML; at most 1 MiB. */
  readonly text: string;
  /** What it was called: its ending says what it is, and its folder is what a relative `cwd` is relative to. */
  readonly filename?: string;
}

/** What became of one server of the file; with `dryRun`, would have. */
export interface ImportedServer {
  readonly name: string;
  /**
   * - `created`, `changed`: registered now
   * - `unchanged`: it is so already
   * - `refused`: nothing was done about it; `error` says why and what to do
   */
  readonly outcome: "created" | "changed" | "unchanged" | "refused";
  /** Name of the Deployment that was begun. */
  readonly deployment?: string;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly fields?: readonly FieldError[] };
  /** What else somebody should know, without secrets. */
  readonly notes?: readonly string[];
}

/** A value that was taken out of the file and is kept as a Secret. */
export interface ImportedSecret {
  /** Of the Secret: the file's value stands as `${secret:name}` in the server now. */
  readonly name: string;
  readonly server: string;
  /** Where it stood: `env.TOKEN`, `headers.Authorization`, `args[2]`. */
  readonly field: string;
}

/** The answer to an import. Holds no value. */
export interface ImportAnswer {
  readonly servers: readonly ImportedServer[];
  readonly secrets: readonly ImportedSecret[];
  /** What is to be said of the file as a whole. */
  readonly notes: readonly string[];
}
