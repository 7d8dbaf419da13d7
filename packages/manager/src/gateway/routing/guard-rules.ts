/** What a server's spec asks of its guard, as numbers. Pure. */
import { durationMs, type ServerSpec } from "@mcp-manager/api";
import { isDeepStrictEqual } from "node:util";
import type { GuardRules } from "../../resilience/guard.ts";

/** A success is slow from this share of the call's time on, and never later than the bound (reliability.md §2.4). */
const slowShare = 0.8;
const slowMsMax = 30_000;

/** The rules of a spec; `known` itself where they say the same, so that a change is seen by identity. */
export function guardRules({ breaker, limits }: ServerSpec, known: GuardRules | undefined): GuardRules {
  const rules: GuardRules = {
    breaker: {
      enabled: breaker.enabled,
      failureRatio: breaker.failureRatio,
      minCalls: breaker.minCalls,
      windowMs: durationMs(breaker.window),
      openMs: durationMs(breaker.openFor),
    },
    concurrency: limits.concurrency,
    queue: limits.queue,
    slowMs: Math.min(slowShare * durationMs(limits.callTimeout), slowMsMax),
    rate: limits.rate,
  };
  return known !== undefined && isDeepStrictEqual(known, rules) ? known : rules;
}
