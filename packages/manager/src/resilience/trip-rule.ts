/**
 * When a closed breaker should open: by the share of failures, by the share of slow calls, or by broken connections in a row. It
 * only counts; what being open means is `circuit-breaker.ts`. Rules and defaults: reliability.md 2.2 and 2.4.
 */
import { inSeconds } from "./in-words.ts";
import { RollingWindow } from "./rolling-window.ts";
import type { Verdict } from "./verdict.ts";

/** When it is too much. */
export interface TripThresholds {
  /** Share of failures among the calls in the window, when there are at least `minCalls`. Between 0 and 1. */
  readonly failureRatio: number;
  readonly minCalls: number;
  readonly windowMs: number;
  /** For words only: what takes longer is told as `slow`. */
  readonly slowMs: number;
}

const slowRatio = 0.8;
const slowCallsMin = 10;
const transportFailuresMax = 5;

export class TripRule {
  #thresholds: TripThresholds;
  #window: RollingWindow;
  /** Broken connections since the last answer. */
  #transportFailures = 0;

  constructor(thresholds: TripThresholds, nowMs: number) {
    this.#thresholds = thresholds;
    this.#window = new RollingWindow(thresholds.windowMs, nowMs);
  }

  /** Counts one call that ended now. Answers with the reason to open, if there is one. */
  count(verdict: Verdict, nowMs: number): string | undefined {
    if (verdict === "none") return undefined;
    if (verdict === "transport-failure") this.#transportFailures++;
    else if (verdict !== "failure") this.#transportFailures = 0;
    if (verdict === "answered") return undefined;
    const isFailure = verdict === "failure" || verdict === "transport-failure";
    this.#window.add(nowMs, isFailure, verdict === "slow");
    if (verdict === "success") return undefined;
    return isFailure ? this.#failing(nowMs) : this.#slow(nowMs);
  }

  /** Other thresholds. What was counted stays, unless the window is another. */
  setThresholds(thresholds: TripThresholds, nowMs: number): void {
    if (thresholds.windowMs !== this.#thresholds.windowMs) this.#window = new RollingWindow(thresholds.windowMs, nowMs);
    this.#thresholds = thresholds;
  }

  /** Forgets everything. */
  clear(): void {
    this.#window.clear();
    this.#transportFailures = 0;
  }

  /** Calls that count within the window. */
  calls(nowMs: number): number {
    return this.#window.calls(nowMs);
  }

  /** Of those, the failures and the slow ones. */
  blemishes(nowMs: number): number {
    return this.#window.failures(nowMs) + this.#window.slow(nowMs);
  }

  #failing(nowMs: number): string | undefined {
    if (this.#transportFailures >= transportFailuresMax)
      return `the connection failed ${this.#transportFailures} times in a row`;
    const { failureRatio, minCalls, windowMs } = this.#thresholds;
    const [calls, failures] = [this.#window.calls(nowMs), this.#window.failures(nowMs)];
    if (calls < minCalls || failures < failureRatio * calls) return undefined;
    return `${failures} of ${calls} calls failed within ${inSeconds(windowMs)}`;
  }

  #slow(nowMs: number): string | undefined {
    const [calls, slow] = [this.#window.calls(nowMs), this.#window.slow(nowMs)];
    if (calls < slowCallsMin || slow < slowRatio * calls) return undefined;
    const { slowMs, windowMs } = this.#thresholds;
    return `${slow} of ${calls} calls took longer than ${inSeconds(slowMs)} within ${inSeconds(windowMs)}`;
  }
}
