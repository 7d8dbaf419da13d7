/**
 * The seam between supervising and opening: one run of a replica, from start to end, as the runner sees it. Whoever opens runs
 * knows processes, remote servers and eras; the runner knows none of them.
 */
import type { Isolation, ManagerError, RevisionSpec } from "@mcp-manager/api";
import type { Era } from "../protocol/era.ts";
import type { LineSink } from "../runtime/runtime.ts";
import type { Connection, DroppedMessage } from "../transport/connection.ts";
import type { SocketCounts } from "../transport/http-origin.ts";
import type { RunFailure } from "./failure.ts";

/** An open run: started, initialized, fit for calls. */
export interface OpenRun {
  readonly connection: Connection;
  /**
   * Opens one more connection of the same kind, whose server is told that its client can be asked for `capabilities`: a process of
   * its own, or a session of its own. Undefined where no call needs one (a modern server that all share, or that is no process).
   * They end with the run. Rejects with RunFailure, also when it was given up; then nothing of it is left.
   */
  readonly openAnother?: (
    capabilities: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ) => Promise<AnotherConnection>;
  /** Starts a process for one more connection, for whomever it will be opened; undefined where nothing is started. */
  readonly startAnother?: (signal: AbortSignal) => Promise<StartedCopy>;
  /** The sockets of all its connections, where they are HTTP. */
  readonly sockets?: () => SocketCounts;
  readonly pid: number | undefined;
  /** Where it is reached, for what is no process; without query and credentials. */
  readonly url: string | undefined;
  readonly isolation: Isolation;
  readonly memory: string | undefined;
  /** Resolves when it can take no more calls, by itself or because it was closed. */
  readonly ended: Promise<RunFailure>;
  /** Ends its process at once, without asking it: one that hangs would not hear. To be followed by `close`. Undefined for what is no process. */
  readonly kill?: () => void;
  /**
   * Lets calls in flight end for at most `graceMs`, then ends the server; resolves when nothing of it is left. Asked again, the
   * shorter grace holds.
   */
  close(graceMs: number): Promise<void>;
}

/** A connection beside the run's own. */
export interface AnotherConnection {
  readonly connection: Connection;
  /** As `OpenRun.close`. */
  close(graceMs: number): Promise<void>;
}

/** A process that was started and told nothing yet. Its owner ends it, unless it is opened. */
export interface StartedCopy {
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<unknown>;
  /** As `OpenRun.openAnother`, once. */
  open(capabilities: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<AnotherConnection>;
  end(): Promise<unknown>;
}

/** What a run is opened with. */
export interface OpenRequest {
  readonly replica: string;
  readonly revision: RevisionSpec;
  /** A verdict found earlier; undefined asks the server. */
  readonly era: Era | undefined;
  /** From start to initialized, in milliseconds. */
  readonly startupMs: number;
  /** Takes what the server writes beside the protocol, redacted. */
  readonly log: LineSink;
  /** A notification that belongs to no call. */
  readonly onNotification: (message: Buffer, method: string) => void;
  /** A message that reached nobody. */
  readonly onDropped: (what: DroppedMessage) => void;
  /** As `ConnectionEvents.onUnhealthy`, of the run's own connection. */
  readonly onUnhealthy?: (reason: ManagerError) => void;
  /** Gives up: whatever was started is ended, and the opening rejects. */
  readonly signal: AbortSignal;
}

/** Opens a run, or rejects with RunFailure; then nothing of it is left. */
export type OpenRunFn = (request: OpenRequest) => Promise<OpenRun>;
