/**
 * So many calls a second on average, so many at once: GCRA (ITU-T I.371), which keeps one number and knows exactly when the next call
 * may come. It counts nothing and has no timer.
 */
import type { RateLimit as RateLimitSpec } from "@mcp-manager/api";

/** Times are sums of fractions: so much too early is on time. */
const toleranceMs = 0.001;

export class RateLimit {
  readonly perSecond: number;
  readonly #intervalMs: number;
  /** How far ahead of its even pace it may be: `burst` calls at once are on time. */
  readonly #aheadMs: number;
  /** When the next call would come at an even pace. */
  #nextMs = Number.NEGATIVE_INFINITY;

  /** `perSecond` is above 0; a `burst` below 1 is 1. */
  constructor({ perSecond, burst }: RateLimitSpec) {
    this.perSecond = perSecond;
    this.#intervalMs = 1_000 / perSecond;
    this.#aheadMs = (Math.max(1, burst) - 1) * this.#intervalMs;
  }

  /** Milliseconds until a call is on time; 0: it is. */
  waitMs(nowMs: number): number {
    const waitMs = this.#nextMs - this.#aheadMs - nowMs;
    return waitMs <= toleranceMs ? 0 : waitMs;
  }

  /** Takes note of a call that goes on. */
  take(nowMs: number): void {
    this.#nextMs = Math.max(this.#nextMs, nowMs) + this.#intervalMs;
  }
}
