/**
 * What the strategies have in common: each says how many copies of the two revisions there should be, how much traffic goes to the
 * new one, and what it waits for. Pure; phases, gate, deadlines and draining are the same for all and not theirs.
 */
import type { AnalysisResult, DeploymentReason, DeploymentStatus, Match } from "@mcp-manager/api";
import type { Situation } from "../situation.ts";

/** Copies of the two revisions. */
export interface Counts {
  readonly from: number;
  readonly to: number;
}

/** What happens next. */
export type Verdict =
  /** Copies have to come up first; counts for `progressDeadline`. */
  | { readonly kind: "starting" }
  /** All is as it should be; `leftMs`: until time alone changes that. */
  | { readonly kind: "holding"; readonly leftMs?: number }
  /** It waits for a person. */
  | { readonly kind: "pausing"; readonly reason: DeploymentReason; readonly message: string }
  /** It does not fare well. */
  | { readonly kind: "failing"; readonly message: string }
  /** On to the next step. */
  | { readonly kind: "stepping"; readonly index: number }
  /** All traffic may go over. */
  | { readonly kind: "done" };

/** Where to be while it progresses. */
export interface Move {
  readonly counts: Counts;
  /** Percent to the new revision. */
  readonly weight: number;
  readonly verdict: Verdict;
  /** Where among its steps; for strategies that have some. */
  readonly step?: { readonly index: number; readonly of: number; readonly weight: number };
}

/** Where it is. */
export interface Position {
  readonly status: DeploymentStatus;
  readonly isPaused: boolean;
  /** What the rules find at this moment. */
  readonly results: readonly AnalysisResult[];
}

/** One way from a revision to the next, with its settings. */
export interface RolloutStrategy {
  /** While the new revision is tried, before anything moves. */
  trying(situation: Situation): Counts;
  /** While it progresses; with a paused position, what is to stay. */
  move(situation: Situation, position: Position): Move;
  /** While all that is wanted of the new revision comes up. */
  promoting(situation: Situation, status: DeploymentStatus): Counts;
  /** Copies of the new revision that must be ready before it has all traffic. */
  enough(situation: Situation): number;
  /** Copies that must be ready at any time, of both together. */
  floor(situation: Situation): number;
  /** Copies that there may be at any time, of both together. */
  most(situation: Situation): number;
  /** How long a copy has to be ready before it counts. */
  readonly minReadyMs: number;
  /** How long the old copies are kept after the switch. */
  readonly keepMs: number;
  /** There must never be copies of two revisions at once. */
  readonly isExclusive: boolean;
  readonly match: readonly Match[];
}

/** The new revision complete beside the old one, which stays as it is: where a strategy says nothing else. */
export const sideBySide: Omit<RolloutStrategy, "move"> = {
  trying: ({ desired }) => ({ from: desired, to: desired }),
  promoting: ({ desired }) => ({ from: desired, to: desired }),
  enough: ({ desired }) => desired,
  floor: ({ desired }) => desired,
  most: ({ desired }) => 2 * desired,
  minReadyMs: 0,
  keepMs: 0,
  isExclusive: false,
  match: [],
};
