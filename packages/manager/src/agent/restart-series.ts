/**
 * The failures of one replica as a series: how long to wait before it is started again, and whether it is a crash loop. A run of ten
 * minutes wipes out what was before it. Starts nothing. Rules: reliability.md §4.2.
 */
import { type BackoffRule, backoffMs } from "../base/backoff.ts";
import type { Random } from "../base/random.ts";

/** Full jitter, 1 s doubling to 60 s. */
const restartBackoff: BackoffRule = { baseMs: 1_000, capMs: 60_000 };
/** Failures further apart than this are of no one series. */
const seriesMs = 600_000;
/** So many ends within `seriesMs` are a crash loop. */
const loopEnds = 5;
/** More are not told apart: the pause is at its longest long before. */
const keptMax = 100;

export class RestartSeries {
  #failures: readonly { readonly atMs: number; readonly isEnd: boolean }[] = [];

  /** `isEnd`: it ended or did not come up; false for one that only lacks a credential, which is no crash. */
  failed(nowMs: number, isEnd: boolean): void {
    this.#failures = [...this.#recent(nowMs), { atMs: nowMs, isEnd }].slice(-keptMax);
  }

  /** The pause before the next start, in milliseconds; random. */
  pauseMs(random: Random): number {
    return backoffMs(restartBackoff, Math.max(0, this.#failures.length - 1), random);
  }

  /** How often it ended within ten minutes. */
  ends(nowMs: number): number {
    return this.#recent(nowMs).filter(({ isEnd }) => isEnd).length;
  }

  isLoop(nowMs: number): boolean {
    return this.ends(nowMs) >= loopEnds;
  }

  /** When the loop is over if it does not end again, in milliseconds from now. */
  loopLeftMs(nowMs: number): number {
    const counted = this.#recent(nowMs).filter(({ isEnd }) => isEnd);
    const last = counted.at(-loopEnds);
    return last === undefined ? 0 : Math.max(0, last.atMs + seriesMs - nowMs);
  }

  #recent(nowMs: number): readonly { readonly atMs: number; readonly isEnd: boolean }[] {
    return this.#failures.filter(({ atMs }) => nowMs - atMs < seriesMs);
  }
}
