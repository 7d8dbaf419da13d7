/**
 * How the revisions of a server fare beside each other, and what each still has to finish: the words in which the gateway, which counts,
 * tells the controller, which decides. Nothing is counted here, and nothing decided. Source: reliability.md §1.2, "Metrics for analysis".
 */

/** How one revision fared on this instance, since its server's counts were last reset. */
export interface RevisionMeasures {
  /** Calls that it answered, or failed to. Neither those that a client gave up nor those that a limit held back. */
  readonly requests: number;
  /** Of `requests`: connection and process, time, the server's own errors, that no replica of it was there, an open breaker. */
  readonly failures: number;
  /** Of `requests`: errors by which the server says that the request is at fault. */
  readonly clientErrors: number;
  /** Of `requests`: results with `isError`. */
  readonly toolErrors: number;
  /** Beside `requests`: calls that were given up by their clients. */
  readonly cancelled: number;
  /** Of results, tools' errors included, as they came from the server. */
  readonly resultBytes: number;
  /** Distinct ones that called outside sessions, each of whose calls is assigned anew; up to 10,000. */
  readonly principals: number;
  /** Sessions of legacy clients that were put on it. */
  readonly sessions: number;
  /** The first 500 tools that had results. */
  readonly tools: readonly ToolMeasures[];
}

/** How long one tool took, on the server's side, where it had a result and its client was asked nothing meanwhile. */
export interface ToolMeasures {
  /** The server's own name of it. */
  readonly tool: string;
  readonly samples: number;
  /** Within five percent. */
  readonly p95Ms: number;
}

/** What a deployment asks of this instance. */
export interface MeasureSource {
  /** All zero for a revision that nothing was asked of; undefined while the server is not measured, because one revision serves. */
  of(server: string, revision: string): RevisionMeasures | undefined;
  /** Counts anew, for all revisions of a server. */
  reset(server: string): void;
  /** What would be lost if the revision ended now. */
  pending(server: string, revision: string): PendingWork;
}

/** Of a revision that nothing was asked of. */
export const noMeasures: RevisionMeasures = {
  requests: 0,
  failures: 0,
  clientErrors: 0,
  toolErrors: 0,
  cancelled: 0,
  resultBytes: 0,
  principals: 0,
  sessions: 0,
  tools: [],
};

/** What a revision still has to finish, on this instance. */
export interface PendingWork {
  /** Calls, also those that wait: for their client, a place, a connection. */
  readonly inFlight: number;
  /** Legacy sessions that are on it. */
  readonly sessions: number;
  readonly tasks: number;
  /** Calls of modern clients that ended with a question: the answer comes with another call, and belongs there. */
  readonly asked: number;
  /** Streams on which clients listen. */
  readonly listens: number;
}

/** Of a revision that nothing depends on. */
export const nothingPending: PendingWork = { inFlight: 0, sessions: 0, tasks: 0, asked: 0, listens: 0 };
