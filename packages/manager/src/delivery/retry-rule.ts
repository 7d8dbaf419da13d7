/** What becomes of a delivery after an attempt. Pure: the rule is data, jitter and time are handed in. */
import { type BackoffRule, backoffMs } from "../base/backoff.ts";
import type { Random } from "../base/random.ts";
import type { PostOutcome } from "./egress/post.ts";

/** How often, and how long. */
export interface RetryRule {
  /** Attempts of one delivery, the first included. */
  readonly attemptsMax: number;
  /** Attempts where another is not likely to end otherwise: the endpoint says that the request is wrong, or the guard refuses it. */
  readonly unlikelyAttemptsMax: number;
  /** The bound of the wait grows fourfold with each attempt: six attempts reach from a hiccup to a restart. */
  readonly backoff: BackoffRule;
  /** A delivery that its endpoint's breaker holds back is given up when it is that old, so that none waits for ever. */
  readonly ageMaxMs: number;
}

/** Waits of up to 1, 4, 16, 64 and 256 s between six attempts. */
export const retryRule: RetryRule = {
  attemptsMax: 6,
  unlikelyAttemptsMax: 3,
  backoff: { baseMs: 1_000, capMs: 300_000 },
  ageMaxMs: 900_000,
};

/** What comes next. */
export type NextStep =
  | { readonly kind: "delivered" }
  /** The endpoint says that it is no more. */
  | { readonly kind: "gone" }
  | { readonly kind: "wait"; readonly delayMs: number }
  | { readonly kind: "dead" };

/** `attempts` were made, the last of which ended so. */
export function nextStep(
  outcome: PostOutcome,
  attempts: number,
  rule: RetryRule,
  { random, wallMs }: { readonly random: Random; readonly wallMs: number },
): NextStep {
  if (outcome.kind === "answered" && isDelivered(outcome.status)) return { kind: "delivered" };
  if (outcome.kind === "answered" && outcome.status === 410) return { kind: "gone" };
  const attemptsMax = isUnlikely(outcome) ? rule.unlikelyAttemptsMax : rule.attemptsMax;
  if (attempts >= attemptsMax) return { kind: "dead" };
  const asked = outcome.kind === "answered" ? retryAfterMs(outcome.retryAfter, wallMs) : 0;
  const delayMs = backoffMs(rule.backoff, 2 * (attempts - 1), random);
  return { kind: "wait", delayMs: Math.max(delayMs, Math.min(asked, rule.backoff.capMs)) };
}

/** Whether the endpoint has it. */
export function isDelivered(status: number): boolean {
  return status >= 200 && status < 300;
}

/** How it ended, in words for people. */
export function outcomeText(outcome: PostOutcome): string {
  return outcome.kind === "answered" ? `the endpoint answered ${outcome.status}` : outcome.message;
}

function isUnlikely(outcome: PostOutcome): boolean {
  if (outcome.kind !== "answered") return outcome.kind === "refused";
  const { status } = outcome;
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** `Retry-After` in seconds or as a date; 0 for anything else (RFC 9110, 10.2.3). */
function retryAfterMs(text: string | undefined, wallMs: number): number {
  if (text === undefined) return 0;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - wallMs);
}
