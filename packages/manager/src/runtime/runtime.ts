/**
 * The seam of the runtimes: how one copy of a server comes to run and ends. A runtime starts, stops and sweeps; it gives a channel
 * on which MCP can be spoken and never speaks it, never restarts anything by itself and never decides what should run.
 *
 *   start ──▶ running ──▶ (exits by itself | stop) ──▶ exited, nothing of its process tree left
 */
import type { Readable, Writable } from "node:stream";
import type { Isolation, ProcessSource, RemoteSource, Sandbox } from "@mcp-manager/api";

/** On what MCP is spoken with a running copy. */
export type Channel =
  | { readonly kind: "stdio"; readonly stdin: Writable; readonly stdout: Readable }
  | { readonly kind: "http"; readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** Bounds of one copy; enforced where the platform can, and `Running` says what is. */
export interface RunLimits {
  readonly memoryBytes: number;
  readonly processesMax: number;
  /** Processors, may be a fraction; undefined is no limit. */
  readonly cpu: number | undefined;
}

/** Hears what a copy writes to stderr, line by line, already bounded in length and rate; redaction is the receiver's. */
export interface LineSink {
  write(line: string): void;
}

/** What a copy is started with. */
export interface StartRequest<Source> {
  /** Name of the replica, fit for a file name. Two runs may carry it at once, as in a restart that hands over. */
  readonly name: string;
  /** Name of the server, for messages. */
  readonly server: string;
  /** With every reference in `env` or `headers` replaced. */
  readonly source: Source;
  readonly limits: RunLimits;
  /** How far it is to be shut off, as its spec says; the instance may raise that. */
  readonly sandbox: Sandbox;
  readonly stderr: LineSink;
}

/** How a copy ended. Exactly one of the two is set for a process; neither for what is no process. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** Set when it was ended, by the kernel or by the manager, because its memory limit was reached. */
  readonly outOfMemory?: true;
  /** Set when the manager ended it because it had more processes than its limit. */
  readonly tooManyProcesses?: true;
}

/** One running copy. */
export interface Running {
  readonly channel: Channel;
  /** Of the server, once it is there, as this machine counts; before that of what starts it. Undefined for what is no process. */
  readonly pid: number | undefined;
  /** What is in force. */
  readonly isolation: Isolation;
  /** `"512MiB"` or `"not enforced: …"`; undefined where memory is not ours to bound. */
  readonly memory: string | undefined;
  /** Resolves when the copy has ended, whoever ended it. Its descendants are killed then too. */
  readonly exited: Promise<Exit>;
  /** Ends it, politely first; resolves when nothing of it is left. Twice is once. */
  stop(): Promise<Exit>;
  /** Ends it now, the whole tree. */
  kill(): void;
}

export interface Runtime<Source> {
  /** Rejects with `failed_precondition` when it cannot be started as asked (no such command, no such directory, no such sandbox), saying what to do. */
  start(request: StartRequest<Source>): Promise<Running>;
  /** Kills what an earlier manager with the same data directory left running. Called once, before any start; gives the count. */
  sweep(): Promise<number>;
}

/** The runtime of each kind of source. A kind without one does not compile. */
export interface Runtimes {
  readonly process: Runtime<ProcessSource>;
  readonly remote: Runtime<RemoteSource>;
}
