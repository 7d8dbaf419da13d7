/**
 * The seam between a call and what protects its server: who may go on now, who waits, who is refused at once, and what the end of a
 * call teaches. One guard per server and instance; it knows no sockets, replicas' connections or resources. Times are milliseconds of
 * the injected monotonic clock.
 *
 *   enter ──▶ Permit ──▶ (an attempt on a replica)+ ──▶ end
 *     ├─────▶ waits ──▶ Permit, or refused (queue, deadline)
 *     └─────▶ refused: breaker, hold-off, rate, queue
 */
import type { BreakerDetail, BreakerState, ManagerError, ServerLoad } from "@mcp-manager/api";
import type { Ending } from "./ending.ts";

/** What is asked of a server's guard by its spec, in numbers. Equal rules are one object, so that a change is seen by identity. */
export interface GuardRules {
  readonly breaker: {
    readonly enabled: boolean;
    /** Between 0 and 1. */
    readonly failureRatio: number;
    readonly minCalls: number;
    readonly windowMs: number;
    /** The first time; doubles with each time in a row, to 300 s. */
    readonly openMs: number;
  };
  /** Calls in flight at most, and calls that may wait for a place. */
  readonly concurrency: number;
  readonly queue: number;
  /** A success that took longer is a slow call: min(0.8 × call timeout, 30 s). */
  readonly slowMs: number;
  readonly rate: { readonly perSecond: number; readonly burst: number } | undefined;
}

/** A call that wants to go on. Its two methods are called at most once together, later than `enter`, and never after `leave`. */
export interface GuardedCall {
  /** `Principal.hash`. */
  readonly principal: string;
  /** The tool's own name, for tools/call; undefined for anything else. */
  readonly tool: string | undefined;
  /** The revision that it goes to; undefined: any. */
  readonly revision?: string | undefined;
  /**
   * The revision it goes to, where that is not the stable one: a preview, a next one, one that drains. Such a revision has breakers of its
   * own, so that what fails there closes nobody else's way. Undefined for every other call.
   */
  readonly beside: string | undefined;
  /** When its own time is up. */
  readonly dueMs: number;
  onAdmitted(permit: Permit): void;
  onRefused(error: ManagerError): void;
}

/** The place of one call. `end` gives it back, exactly once; again does nothing. */
export interface Permit {
  end(ending: Ending, tookMs: number): void;
}

/** What protects one server. */
export interface Guard {
  /** A permit at once; an error at once (`resource_exhausted`, `circuit_open`, `unavailable`); undefined: the call waits and is told. */
  enter(call: GuardedCall): Permit | ManagerError | undefined;
  /** Gives up waiting. */
  leave(call: GuardedCall): void;
  /**
   * How one attempt on a replica ended, whatever becomes of the call. `retryAfterMs` is what its server said of it, if it did: of one that
   * ended `rate_limited`, how long the replica is left alone.
   */
  attempted(replica: string, tool: string | undefined, ending: Ending, retryAfterMs?: number): void;
  /** Whether the replica is put aside now. The balancer decides what that means when too few are left. */
  isEjected(replica: string): boolean;
  /** Until when it is put aside: RFC 3339, for people. Undefined when it is not. */
  ejectedUntil(replica: string): string | undefined;
  /** Whether the replica is left alone now, because its server said so: no call goes to it. */
  isHeldOff(replica: string): boolean;
  /** Until when it is left alone: RFC 3339, for people. Undefined when it is not. */
  heldOffUntil(replica: string): string | undefined;
  /** Refuses a call that only these could take, when each of them is held off; undefined: one is not, or there are none. */
  refuseHeldOff(replicas: readonly string[]): ManagerError | undefined;
  /** Between 0.1 and 1: the share of a replica's usual load that it should have now, after a start or an ejection. */
  weight(replica: string): number;
  /** Who the replicas are: caps count them, and what is known of others is forgotten. */
  replicas(names: readonly string[]): void;
  /** Claims one more attempt from the budget; to be given back with `retried`. False: it is used up. */
  mayRetry(): boolean;
  retried(): void;
  /** A person's decision; undefined takes it back. */
  force(
    override: { readonly state: "open" | "closed"; readonly reason: string; readonly by: string } | undefined,
  ): void;
  setRules(rules: GuardRules): void;
  /** Calls that came so far, whatever became of them: while this grows, the server is in use. */
  readonly entered: number;
  readonly breaker: BreakerState;
  /** Undefined while all is closed and nobody forced anything. */
  readonly detail: BreakerDetail | undefined;
  readonly load: ServerLoad;
  /** Calls that wait for a place and go to this revision. */
  waitingFor(revision: string): number;
}
