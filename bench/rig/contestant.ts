/** What the bench measures: a program between the load and an upstream, or nothing (the direct call). */

export type Era = "legacy" | "modern";

/** How the load reaches a contestant. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly era: Era;
  /** The tool as the contestant calls it. */
  readonly tool: string;
  readonly authorization?: string;
}

export interface RunningContestant {
  readonly target: Target;
  /** The process that is measured; undefined for the direct call. */
  readonly pid: number | undefined;
  /** Whether what it starts belongs to its cost (a stdio server's process). */
  readonly children: boolean;
  stop(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  /** For the table's notes. */
  readonly remark?: string;
  start(): Promise<RunningContestant>;
}

/** A contestant that cannot take part on this machine; the row is left out and the reason printed. */
export class Missing extends Error {}
