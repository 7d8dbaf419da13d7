/**
 * The breakers of one server's tools, so that one broken tool is refused and the others are not; and when so many of them are open
 * that the server itself is to be taken for broken. Bounded, since clients choose the names: a tool is kept while it is called and
 * its server answers for it, and for as long as something is known against it. Rules: reliability.md 2.3 (escalation) and 2.4.
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type BreakerChange, type BreakerThresholds, CircuitBreaker } from "./circuit-breaker.ts";
import type { Verdict } from "./verdict.ts";

export interface ToolBreakersOptions {
  readonly thresholds: BreakerThresholds;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each change after it happened. Must not throw. */
  readonly onChange: (tool: string, breaker: CircuitBreaker, change: BreakerChange) => void;
}

/** Tools that are kept at most; what is beyond passes uncounted. */
const toolsMax = 256;
/** With fewer nobody looks for those that could go. */
const sweepFrom = 32;
/** The pause between two looks that found too little. */
const sweepPauseMs = 1_000;
/** A server is taken for broken when so many of its tools are, and they are more than half of those in use. */
const openToolsMin = 3;
const openShare = 0.5;

export class ToolBreakers {
  readonly #options: ToolBreakersOptions;
  readonly #breakers = new Map<string, CircuitBreaker>();
  #thresholds: BreakerThresholds;
  #sweepAt = sweepFrom;
  #nextSweepMs = Number.NEGATIVE_INFINITY;

  constructor(options: ToolBreakersOptions) {
    this.#options = options;
    this.#thresholds = options.thresholds;
  }

  /** The breaker to be asked before a call; undefined where nothing is known. */
  find(tool: string): CircuitBreaker | undefined {
    return this.#breakers.get(tool);
  }

  /** How many are kept. */
  get size(): number {
    return this.#breakers.size;
  }

  /** How a call ended. `generation` is what its breaker gave for it, 0 when there was none: that is where every breaker begins. */
  ended(tool: string, generation: number, verdict: Verdict, nowMs: number): void {
    const breaker = this.#breakers.get(tool) ?? (verdict === "none" ? undefined : this.#add(tool, nowMs));
    breaker?.ended(generation, verdict, nowMs);
  }

  setThresholds(thresholds: BreakerThresholds): void {
    this.#thresholds = thresholds;
    for (const breaker of this.#breakers.values()) breaker.setThresholds(thresholds);
  }

  /** Those that are not closed. */
  get troubled(): readonly { readonly tool: string; readonly breaker: CircuitBreaker }[] {
    return [...this.#breakers].flatMap(([tool, breaker]) => (breaker.state === "closed" ? [] : { tool, breaker }));
  }

  /** Why the server is to be taken for broken; undefined when it is not. */
  escalation(nowMs: number): string | undefined {
    let [open, used] = [0, 0];
    for (const breaker of this.#breakers.values()) {
      const isOpen = breaker.state === "open";
      if (isOpen) open++;
      if (isOpen || breaker.isInUse(nowMs)) used++;
    }
    return open >= openToolsMin && open > used * openShare ? `${open} of the ${used} tools in use fail` : undefined;
  }

  #add(tool: string, nowMs: number): CircuitBreaker | undefined {
    if (this.#breakers.size >= this.#sweepAt) this.#sweep(nowMs);
    if (this.#breakers.size >= toolsMax) return undefined;
    const { clock, random, onChange } = this.#options;
    const breaker: CircuitBreaker = new CircuitBreaker({
      thresholds: this.#thresholds,
      clock,
      random,
      onChange: (change) => onChange(tool, breaker, change),
    });
    this.#breakers.set(tool, breaker);
    return breaker;
  }

  /** Forgets what nobody calls; and when that is too little, whatever nothing is known against. */
  #sweep(nowMs: number): void {
    if (nowMs < this.#nextSweepMs) return;
    for (const [tool, breaker] of this.#breakers) if (breaker.isQuiet(nowMs)) this.#breakers.delete(tool);
    if (this.#breakers.size >= toolsMax)
      for (const [tool, breaker] of this.#breakers) if (breaker.isSpotless(nowMs)) this.#breakers.delete(tool);
    this.#nextSweepMs = nowMs + sweepPauseMs;
    this.#sweepAt = Math.min(toolsMax, Math.max(sweepFrom, 2 * this.#breakers.size));
  }
}
