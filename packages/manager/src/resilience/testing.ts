/** What the tests of this room share: a clock whose wall jumps, a source of jitter that is told, and rules of everyday size. */
import { ManualClock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { GuardRules } from "./guard.ts";

/** A clock that moves only when told to, forwards, and whose wall time can be set to anything meanwhile (NTP, a person, a suspend). */
export class SteadyClock extends ManualClock {
  #jumpMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.#jumpMs;
  }

  jumpWall(byMs: number): void {
    this.#jumpMs += byMs;
  }
}

/** Always the same: 0.5 is the middle of every jitter. */
export function fixedRandom(value = 0.5): Random {
  return { next: () => value, bytes: (length) => Buffer.alloc(length) };
}

/** The defaults of the specification. */
export const usualRules: GuardRules = {
  breaker: { enabled: true, failureRatio: 0.5, minCalls: 20, windowMs: 30_000, openMs: 5_000 },
  concurrency: 64,
  queue: 1_024,
  slowMs: 30_000,
  rate: undefined,
};
