/**
 * How many sessions may be opened at a time: after a restart all clients come at once, and those that go on with their sessions
 * should not wait behind them. A bucket of tokens, kept as one time (GCRA): nothing to refill, nothing to clean up.
 */
import type { Clock } from "../../base/clock.ts";

export class SessionRate {
  readonly #clock: Clock;
  /** What one session costs, and how far it may be borrowed ahead, in milliseconds. */
  readonly #costMs: number;
  readonly #aheadMsMax: number;
  /** When everything that was taken is paid for. */
  #paidMs = -Infinity;

  /** `burst` sessions at once after a quiet time, `perSecond` from then on. */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#costMs = 1_000 / perSecond;
    this.#aheadMsMax = this.#costMs * burst;
  }

  /** Takes a token; false when there is none. */
  take(): boolean {
    const nowMs = this.#clock.nowMs();
    const paidMs = Math.max(nowMs, this.#paidMs) + this.#costMs;
    // The sum of many costs is not exact; a millionth of a session is none.
    if (paidMs - nowMs > this.#aheadMsMax + this.#costMs * 1e-6) return false;
    this.#paidMs = paidMs;
    return true;
  }
}
