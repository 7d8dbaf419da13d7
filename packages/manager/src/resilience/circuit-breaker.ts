/**
 * Rejects early while a dependency fails: one server, or one tool of it. It has no timers; time passes when somebody asks. It never
 * calls, waits or repeats anything: the trial of a half-open breaker is a call that was to be made anyway.
 *
 *             failures, slowness, broken connections (trip-rule.ts)
 *   closed ──────────────────────────────────────────────────────────▶ open ◀─┐
 *     ▲                                              its time is up    │      │ one failure,
 *     └───────────────── three successes ───────────── half-open ◀─────┘      │ or nothing decided in 30 s
 *                                                          └──────────────────┘
 *
 * Every change begins a new generation; what was admitted in an earlier one decides nothing. Rules: reliability.md 2.2, 2.4.
 */
import type { BreakerState } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { inSeconds } from "./in-words.ts";
import { TripRule, type TripThresholds } from "./trip-rule.ts";
import type { Verdict } from "./verdict.ts";

/** When it opens, and for how long. */
export interface BreakerThresholds extends TripThresholds {
  /** False: it stays closed, unless a person opens it. */
  readonly enabled: boolean;
  /** How long it is open the first time; doubles with each time in a row, to 300 s. */
  readonly openMs: number;
}

/** It moved. */
export interface BreakerChange {
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** In words: `12 of 20 calls failed within 30 s`. */
  readonly reason: string;
}

export interface CircuitBreakerOptions {
  readonly thresholds: BreakerThresholds;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each change after it happened. Must not throw. */
  readonly onChange: (change: BreakerChange) => void;
}

/** A person's decision, against which nothing counts. */
export interface Forced {
  readonly state: "open" | "closed";
  readonly reason: string;
  readonly by: string;
}

const openMaxMs = 300_000;
/** Of the time that it is open, up or down: instances that opened together do not come back together. */
const jitter = 0.2;
/** After so long closed the next opening is a first one again; after so long without a call there is nothing to know. */
const forgetAfterMs = 600_000;
const trialsMax = 2;
const trialSuccesses = 3;
const trialMaxMs = 30_000;
/** What a call is told to wait that finds all trials out, or a breaker that a person opened. */
const trialRetryMs = 1_000;
const forcedRetryMs = 30_000;

interface HalfOpen {
  readonly name: "half-open";
  /** Trials without an answer yet. */
  out: number;
  successes: number;
  /** Until when something should be decided, since the first of them went out. */
  dueMs: number;
}

type Phase =
  | { readonly name: "closed"; readonly sinceMs: number }
  | { readonly name: "open"; readonly untilMs: number }
  | HalfOpen
  | { readonly name: "forced"; readonly forced: Forced };

export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onChange: (change: BreakerChange) => void;
  readonly #tripRule: TripRule;
  #thresholds: BreakerThresholds;
  #phase: Phase;
  #generation = 0;
  /** Times it opened in a row. */
  #openings = 0;
  #reason = "nothing was refused yet";
  #sinceWallMs: number;

  constructor({ thresholds, clock, random, onChange }: CircuitBreakerOptions) {
    const nowMs = clock.nowMs();
    this.#clock = clock;
    this.#random = random;
    this.#onChange = onChange;
    this.#thresholds = thresholds;
    this.#tripRule = new TripRule(thresholds, nowMs);
    this.#phase = { name: "closed", sinceMs: nowMs };
    this.#sinceWallMs = clock.wallMs();
  }

  get state(): BreakerState {
    return this.#phase.name === "forced" ? this.#phase.forced.state : this.#phase.name;
  }

  /** Why it is where it is, in words. */
  get reason(): string {
    return this.#reason;
  }

  /** When it came there, by the wall clock; for people. */
  get sinceWallMs(): number {
    return this.#sinceWallMs;
  }

  /** When an open one lets a call through, by the wall clock; for people. */
  get retryAtWallMs(): number | undefined {
    return this.#phase.name === "open" ? this.#wallAt(this.#phase.untilMs) : undefined;
  }

  /** The decision that holds it where it is. */
  get forced(): Forced | undefined {
    return this.#phase.name === "forced" ? this.#phase.forced : undefined;
  }

  /** Whether a call may go on now. If it does, `admit` must follow. */
  mayPass(nowMs: number): boolean {
    const phase = this.#phase;
    if (phase.name === "closed") return true;
    if (phase.name === "forced") return phase.forced.state === "closed";
    this.#endOverdueTrials(nowMs);
    this.#beginTrials(nowMs);
    return this.#hasTrialLeft();
  }

  /** Takes note of a call that goes on. The number is to be given back to `ended`, once. */
  admit(nowMs: number): number {
    const phase = this.#phase;
    if (phase.name === "half-open") {
      if (phase.out === 0) phase.dueMs = nowMs + trialMaxMs;
      phase.out++;
    }
    return this.#generation;
  }

  /** How a call that was admitted ended. */
  ended(generation: number, verdict: Verdict, nowMs: number): void {
    if (generation !== this.#generation) return;
    const phase = this.#phase;
    if (phase.name === "closed") this.#count(verdict, nowMs);
    else if (phase.name === "half-open") this.#judge(phase, verdict, nowMs);
  }

  /** Opens it for somebody else's reason: a server, because too many of its tools are open. A person's decision stands. */
  trip(reason: string, nowMs: number): void {
    const { name } = this.#phase;
    if (this.#thresholds.enabled && (name === "closed" || name === "half-open")) this.#open(reason, nowMs);
  }

  /** Milliseconds after which a call that was refused may be tried again; at least 1. */
  retryAfterMs(nowMs: number): number {
    const phase = this.#phase;
    if (phase.name === "open") return Math.max(1, Math.ceil(phase.untilMs - nowMs));
    return phase.name === "forced" ? forcedRetryMs : trialRetryMs;
  }

  /** Holds it open or closed; undefined lets it decide again, from the beginning. */
  force(forced: Forced | undefined): void {
    if (forced !== undefined)
      this.#become({ name: "forced", forced }, `held ${forced.state}: ${forced.reason}`, this.#clock.nowMs());
    else if (this.#phase.name === "forced") this.#reset("it is no longer held");
  }

  setThresholds(thresholds: BreakerThresholds): void {
    const { name } = this.#phase;
    this.#thresholds = thresholds;
    this.#tripRule.setThresholds(thresholds, this.#clock.nowMs());
    if (!thresholds.enabled && (name === "open" || name === "half-open")) this.#reset("it was switched off");
  }

  /** Whether it counted nothing within the window and would begin anew: one can do without it. */
  isQuiet(nowMs: number): boolean {
    const phase = this.#phase;
    if (phase.name === "forced") return false;
    if (phase.name === "open") return nowMs - phase.untilMs >= forgetAfterMs;
    if (phase.name === "half-open") return nowMs - phase.dueMs >= forgetAfterMs;
    const isForgotten = this.#openings === 0 || nowMs - phase.sinceMs >= forgetAfterMs;
    return isForgotten && this.#tripRule.calls(nowMs) === 0;
  }

  /** Whether a call that counts ended within the window, since it last changed. */
  isInUse(nowMs: number): boolean {
    return this.#tripRule.calls(nowMs) > 0;
  }

  /** Whether it is closed and knows of nothing but quick successes. */
  isSpotless(nowMs: number): boolean {
    return this.#phase.name === "closed" && this.#openings === 0 && this.#tripRule.blemishes(nowMs) === 0;
  }

  #count(verdict: Verdict, nowMs: number): void {
    if (!this.#thresholds.enabled) return;
    const reason = this.#tripRule.count(verdict, nowMs);
    if (reason !== undefined) this.#open(reason, nowMs);
  }

  /** One failure is enough; a slow success is one, or a breaker that opened for slowness would close for it. */
  #judge(phase: HalfOpen, verdict: Verdict, nowMs: number): void {
    phase.out--;
    if (verdict === "success") {
      phase.successes++;
      if (phase.successes >= trialSuccesses) this.#close(`${trialSuccesses} trial calls succeeded`, nowMs);
    } else if (verdict === "slow") {
      this.#open(`a trial call took longer than ${inSeconds(this.#thresholds.slowMs)}`, nowMs);
    } else if (verdict === "failure" || verdict === "transport-failure") this.#open("a trial call failed", nowMs);
  }

  #endOverdueTrials(nowMs: number): void {
    const phase = this.#phase;
    if (phase.name !== "half-open" || phase.out === 0 || nowMs < phase.dueMs) return;
    this.#open(`trial calls decided nothing within ${inSeconds(trialMaxMs)}`, phase.dueMs);
  }

  #beginTrials(nowMs: number): void {
    const phase = this.#phase;
    if (phase.name !== "open" || nowMs < phase.untilMs) return;
    const next: HalfOpen = { name: "half-open", out: 0, successes: 0, dueMs: nowMs + trialMaxMs };
    this.#become(next, "its time was up: a few calls are let through to see", nowMs);
  }

  #hasTrialLeft(): boolean {
    return this.#phase.name === "half-open" && this.#phase.out < trialsMax;
  }

  #open(reason: string, atMs: number): void {
    if (this.#phase.name === "closed" && atMs - this.#phase.sinceMs >= forgetAfterMs) this.#openings = 0;
    const capMs = Math.max(openMaxMs, this.#thresholds.openMs);
    const baseMs = Math.min(capMs, this.#thresholds.openMs * 2 ** Math.min(this.#openings, 30));
    const openMs = Math.min(capMs, baseMs * (1 + jitter * (2 * this.#random.next() - 1)));
    this.#openings++;
    this.#become({ name: "open", untilMs: atMs + openMs }, reason, atMs);
  }

  #close(reason: string, nowMs: number): void {
    this.#become({ name: "closed", sinceMs: nowMs }, reason, nowMs);
  }

  #reset(reason: string): void {
    this.#openings = 0;
    this.#close(reason, this.#clock.nowMs());
  }

  #become(phase: Phase, reason: string, atMs: number): void {
    const from = this.state;
    this.#phase = phase;
    this.#generation++;
    this.#reason = reason;
    this.#sinceWallMs = this.#wallAt(atMs);
    this.#tripRule.clear();
    this.#onChange({ from, to: this.state, reason });
  }

  #wallAt(atMs: number): number {
    return this.#clock.wallMs() + atMs - this.#clock.nowMs();
  }
}
