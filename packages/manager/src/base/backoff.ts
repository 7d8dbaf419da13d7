/** Exponential back-off with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
import type { Random } from "./random.ts";

export interface BackoffRule {
  /** Upper bound of the first delay, in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of every delay, in milliseconds. */
  readonly capMs: number;
}

/** The delay before retry `attempt` (0 is the first): uniform in [0, min(cap, base · 2^attempt)). */
export function backoffMs(rule: BackoffRule, attempt: number, random: Random): number {
  return random.next() * Math.min(rule.capMs, rule.baseMs * 2 ** Math.min(attempt, 30));
}
