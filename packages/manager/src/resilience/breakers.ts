/**
 * The breakers that calls to a server go by, its own and those of its tools, as one: what lets a call through, and what its end teaches.
 * When too many tools are open, the server is. Knows no places, rates or replicas.
 */
import type { BreakerDetail } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type BreakerChange, type BreakerThresholds, CircuitBreaker } from "./circuit-breaker.ts";
import type { Ending } from "./ending.ts";
import type { GuardRules } from "./guard.ts";
import { ToolBreakers } from "./tool-breakers.ts";
import { serverVerdicts, toolVerdicts } from "./verdict.ts";

export interface BreakersOptions {
  readonly rules: GuardRules;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each change after it happened; `tool`: undefined for the server's own. Must not throw. */
  readonly onChange: (breaker: CircuitBreaker, tool: string | undefined, change: BreakerChange) => void;
}

export class Breakers {
  readonly server: CircuitBreaker;
  readonly tools: ToolBreakers;
  readonly #clock: Clock;

  constructor({ rules, clock, random, onChange }: BreakersOptions) {
    this.#clock = clock;
    this.server = new CircuitBreaker({
      thresholds: serverThresholds(rules),
      clock,
      random,
      onChange: (change) => onChange(this.server, undefined, change),
    });
    this.tools = new ToolBreakers({
      thresholds: toolThresholds(rules),
      clock,
      random,
      onChange: (tool, breaker, change) => {
        onChange(breaker, tool, change);
        if (change.to === "open") this.#escalate();
      },
    });
  }

  /** What is in a call's way, the server's breaker or its tool's; undefined: it may go on. What a person decided holds for the tools as well. */
  closed(tool: CircuitBreaker | undefined, nowMs: number): CircuitBreaker | undefined {
    if (!this.server.mayPass(nowMs)) return this.server;
    return tool === undefined || this.server.forced !== undefined || tool.mayPass(nowMs) ? undefined : tool;
  }

  /** A call that was admitted ended. */
  ended({ tool, serverGeneration, toolGeneration }: Admitted, ending: Ending, isSlow: boolean, nowMs: number): void {
    if (tool !== undefined) this.tools.ended(tool, toolGeneration, isSlow ? "slow" : toolVerdicts[ending], nowMs);
    this.server.ended(serverGeneration, serverVerdicts[ending], nowMs);
  }

  setRules(rules: GuardRules): void {
    this.server.setThresholds(serverThresholds(rules));
    this.tools.setThresholds(toolThresholds(rules));
  }

  /** Undefined while all is closed and nobody forced anything. */
  get detail(): BreakerDetail | undefined {
    const { state, reason, sinceWallMs, retryAtWallMs, forced } = this.server;
    const tools = this.tools.troubled.map(({ tool, breaker }) => ({
      tool,
      state: breaker.state,
      reason: breaker.reason,
    }));
    if (state === "closed" && forced === undefined && tools.length === 0) return undefined;
    return {
      reason: state === "closed" && forced === undefined ? `${tools.length} of its tools are held back` : reason,
      since: timestamp(sinceWallMs),
      ...(retryAtWallMs === undefined ? {} : { retryAt: timestamp(retryAtWallMs) }),
      ...(forced === undefined ? {} : { forcedBy: forced.by }),
      ...(tools.length === 0 ? {} : { tools }),
    };
  }

  #escalate(): void {
    if (this.server.forced !== undefined) return;
    const nowMs = this.#clock.nowMs();
    const escalation = this.tools.escalation(nowMs);
    if (escalation !== undefined) this.server.trip(escalation, nowMs);
  }
}

/** What the breakers knew when a call was let through. */
export interface Admitted {
  /** The tool's own name, for tools/call. */
  readonly tool: string | undefined;
  readonly serverGeneration: number;
  readonly toolGeneration: number;
}

function serverThresholds({ breaker, slowMs }: GuardRules): BreakerThresholds {
  return { ...breaker, slowMs };
}

/** A tool is called less often than its server: half as many calls say as much. */
function toolThresholds({ breaker, slowMs }: GuardRules): BreakerThresholds {
  return { ...breaker, minCalls: Math.ceil(breaker.minCalls / 2), slowMs };
}

function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
