/**
 * Who counts calls, as the controller asks: a port that the composition root connects with the data plane of this instance. Nothing is
 * counted here.
 */
import type { PendingWork, RevisionMeasures } from "./rollout/measures.ts";

export interface MeasureSource {
  /** How a revision fared since the last `reset` of its server; undefined when nothing was asked of it. May throw. */
  of(server: string, revision: string): RevisionMeasures | undefined;
  /** The shares of traffic changed: what was counted before says nothing of them. */
  reset(server: string): void;
  /** What would be lost if the revision ended now. */
  pending(server: string, revision: string): PendingWork;
}
