/**
 * What still depends on a revision, as far as it is known. What clients began before this controller did (sessions, tasks, questions) is
 * counted again when they come back for it, so that for a while after a start nobody knows that a revision of before has nothing left.
 */
import type { Clock } from "../base/clock.ts";
import type { MeasureSource, PendingWork } from "../telemetry/revision-measures.ts";

/** Clients that are there come back within so long: they ask for their tasks, or use their sessions. */
const returnMs = 30_000;

export class KnownWork {
  readonly #measures: Pick<MeasureSource, "pending">;
  readonly #clock: Clock;
  readonly #startedMs: number;
  /** Names of the revisions that were there at the start; what began at others was all seen. */
  #earlier: ReadonlySet<string>;

  constructor(measures: Pick<MeasureSource, "pending">, clock: Clock, earlier: Iterable<string>) {
    this.#measures = measures;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    this.#earlier = new Set(earlier);
  }

  /** Undefined while it cannot be said that it is all. */
  at(server: string, revision: string): PendingWork | undefined {
    if (this.#earlier.size > 0 && this.#clock.nowMs() - this.#startedMs >= returnMs) this.#earlier = new Set();
    return this.#earlier.has(revision) ? undefined : this.#measures.pending(server, revision);
  }
}
