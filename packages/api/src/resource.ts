/**
 * The shape that every resource has. The stored resource is the API resource: `spec` is written by users only, `status` by
 * controllers only, `metadata` by the registry.
 */

/** What the registry knows about every resource. */
export interface Metadata {
  /** Unique within the kind, and fixed. */
  readonly name: string;
  /** Unique for ever: a resource deleted and created again under the same name has another one. */
  readonly uid: string;
  /** Counts the changes of `spec`, from 1. */
  readonly generation: number;
  /** Store revision at which `spec` was last written, in decimal: the ETag, and what `If-Match` compares. */
  readonly revision: string;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339; set when deletion was asked for. The resource goes when what belongs to it has stopped. */
  readonly deletedAt?: string;
}

/**
 * Metadata as a person writes it. What only the registry writes is accepted and ignored, so that what was read can be sent
 * back.
 */
export interface MetadataInput {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly uid?: unknown;
  readonly generation?: unknown;
  readonly revision?: unknown;
  readonly createdAt?: unknown;
  readonly deletedAt?: unknown;
}

/** A thing the manager keeps: what is wanted (`spec`) beside what is (`status`). */
export interface Resource<Kind extends string, Spec, Status> {
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status: Status;
}

/** Every list has this shape. */
export interface List<Item> {
  readonly items: readonly Item[];
  /** Give it back as `cursor` for the next page; absent on the last. */
  readonly nextCursor?: string;
}

/** Where in a replica's life something went wrong. */
export type FailureStage = "configure" | "start" | "initialize" | "health" | "run" | "call" | "stop";

/** The last thing that went wrong, so that nobody has to guess from "connection closed". */
export interface LastFailure {
  readonly stage: FailureStage;
  /** What happened and what to do, without secrets. */
  readonly message: string;
  /** RFC 3339. */
  readonly at: string;
  /** The last lines the server wrote to stderr, redacted, oldest first. Shown to who holds `logs:read`. */
  readonly stderr?: readonly string[];
  /** Exit status, when the process ended by itself. */
  readonly exitCode?: number;
  /** Signal name, when a signal ended the process. */
  readonly signal?: string;
}

/** One fact about a resource that a script can wait for. */
export interface Condition {
  /** One capitalized word: `Available`, `Progressing`, `CrashLoop` … */
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  /** One capitalized word, why it is so. */
  readonly reason: string;
  /** The same in words, and what to do. */
  readonly message: string;
  /** RFC 3339; when `status` last changed. */
  readonly since: string;
}
