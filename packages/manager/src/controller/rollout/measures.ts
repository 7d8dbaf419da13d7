/**
 * What the controller asks of whoever counts calls, as a port: how the revisions of a server fare, and what still depends on one.
 * The gateway's counts fit it; nothing here knows of a gateway, and nothing is counted here.
 */

/** How one revision fared since its server's counts were last reset. */
export interface RevisionMeasures {
  readonly requests: number;
  /** The server's own faults: transport, timeout, its -326xx errors. */
  readonly failures: number;
  readonly clientErrors: number;
  /** Results with `isError`. */
  readonly toolErrors: number;
  readonly cancelled: number;
  readonly resultBytes: number;
  /** Distinct ones, up to 10,000. */
  readonly principals: number;
  /** Sessions that were assigned to it. */
  readonly sessions: number;
  readonly tools: readonly ToolMeasures[];
}

/** How one tool of a revision fared. */
export interface ToolMeasures {
  readonly tool: string;
  readonly samples: number;
  readonly p95Ms: number;
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

/** What would be lost if a revision ended now. */
export interface PendingWork {
  /** Calls, also those that wait for their client. */
  readonly inFlight: number;
  readonly sessions: number;
  readonly tasks: number;
  readonly listens: number;
}
