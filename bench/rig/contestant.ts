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
  /** What is started and called over its stdin and stdout instead: the direct call of a stdio server. */
  readonly command?: readonly string[];
}

export interface RunningContestant {
  readonly target: Target;
  /** The process that is measured; undefined for the direct call. What it starts is counted apart. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  /** For the table's notes. */
  readonly remark?: string;
  start(): Promise<RunningContestant>;
}

/** A contestant that cannot take part on this machine; its row is left out and the reason printed. */
export class Missing extends Error {}
