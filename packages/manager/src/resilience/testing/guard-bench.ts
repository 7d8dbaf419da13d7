/** One guard of a server, and calls that come to it: for tests of what it lets through. */
import { ManagerError } from "@mcp-manager/api";
import type { Ending } from "../ending.ts";
import type { GuardedCall, GuardRules, Permit } from "../guard.ts";
import { type GuardChange, ServerGuard } from "../server-guard.ts";
import { fixedRandom, SteadyClock, usualRules } from "../testing.ts";

/** A call that writes down what became of it. */
export class TestCall implements GuardedCall {
  readonly principal: string;
  readonly tool: string | undefined;
  readonly beside: string | undefined;
  readonly dueMs: number;
  permit: Permit | undefined;
  refusal: ManagerError | undefined;

  constructor(tool: string | undefined, principal: string, dueMs: number, beside?: string) {
    this.beside = beside;
    this.tool = tool;
    this.principal = principal;
    this.dueMs = dueMs;
  }

  onAdmitted(permit: Permit): void {
    this.permit = permit;
  }

  onRefused(error: ManagerError): void {
    this.refusal = error;
  }
}

/** A guard with time in the test's hand. */
export interface Bench {
  readonly clock: SteadyClock;
  readonly guard: ServerGuard;
  readonly changes: readonly GuardChange[];
  /** A call comes; what became of it stands in it. */
  come(tool?: string, principal?: string, dueInMs?: number): TestCall;
  /** So many calls that come and end at once. Answers how many were admitted. */
  calls(count: number, ending: Ending, tool?: string, tookMs?: number): number;
}

/** Everyday rules, but for those given. */
export function bench(rules: Partial<GuardRules> = {}): Bench {
  const clock = new SteadyClock();
  const changes: GuardChange[] = [];
  const guard = new ServerGuard({
    server: "weather",
    rules: { ...usualRules, ...rules },
    clock,
    random: fixedRandom(),
    onChange: (change) => changes.push(change),
  });
  const come = (tool?: string, principal = "alice", dueInMs = 60_000): TestCall => {
    const call = new TestCall(tool, principal, clock.nowMs() + dueInMs);
    const entered = guard.enter(call);
    if (entered instanceof ManagerError) call.refusal = entered;
    else call.permit = entered;
    return call;
  };
  const calls = (count: number, ending: Ending, tool?: string, tookMs = 5): number => {
    let admitted = 0;
    for (let i = 0; i < count; i++) {
      const { permit } = come(tool);
      if (permit !== undefined) admitted++;
      permit?.end(ending, tookMs);
    }
    return admitted;
  };
  return { clock, guard, changes, come, calls };
}
