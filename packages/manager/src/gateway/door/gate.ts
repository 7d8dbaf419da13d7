/**
 * Who may come in now: the one place that says no for reasons that lie in this instance and not in the request (overload, too many
 * new sessions, too much of one principal, a manager that stops). Asked by the listener before a request is read, and by whoever
 * opens a session; it answers at once, and holds nothing open.
 */
import type { IncomingMessage } from "node:http";
import { isAllowed, type ManagerError, type Principal as NamedPrincipal } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Watched } from "../../base/watched.ts";
import type { Stage } from "../../resilience/overload.ts";
import type { Principal } from "../../security/principal.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type PrincipalLoad, PrincipalLoads } from "./principal-load.ts";
import { Refusals } from "./refusals.ts";
import { SessionRate } from "./session-rate.ts";

export interface GateOptions {
  /** Of overload. */
  readonly stage: Watched<Stage>;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  /** New sessions: a second, and at once after a quiet time. */
  readonly sessionsPerSecond: number;
  readonly sessionsBurst: number;
  /** Requests that one principal may have open, streams included. */
  readonly requestsPerPrincipal: number;
}

const probePaths = /^\/(?:health|ready|metrics)(?:\?|$)/;

export class Gate {
  readonly stage: Watched<Stage>;
  readonly refusals: Refusals;
  readonly #loads: PrincipalLoads;
  readonly #rate: SessionRate;
  #isStopping = false;

  constructor({ stage, clock, random, metrics, ...limits }: GateOptions) {
    this.stage = stage;
    this.refusals = new Refusals(random, metrics);
    this.#loads = new PrincipalLoads(limits.requestsPerPrincipal);
    this.#rate = new SessionRate(clock, limits.sessionsPerSecond, limits.sessionsBurst);
  }

  /** From now on no session is opened. What is in flight, and calls of sessions that are open, are not concerned. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Whether requests have to be looked at one by one: while not, this comparison is all that the door costs. */
  get isWary(): boolean {
    return this.stage.current >= 3;
  }

  /** Where the open requests of a principal are counted. */
  loadOf(principal: Principal): PrincipalLoad {
    return this.#loads.of(principal);
  }

  /** Why a principal whose load is full gets no further request. */
  refusePrincipal(request: IncomingMessage): ManagerError {
    return this.refusals.say("principal", !asksForEra(request));
  }

  /**
   * Why there is no room for a call through another door than HTTP's; undefined when there is. `lasts`: it goes on until somebody has
   * heard enough, as sessions do, and is let in no longer than they are.
   */
  refuseCall(principal: NamedPrincipal, lasts: boolean): ManagerError | undefined {
    if (this.stage.current < (lasts ? 2 : 3) || isFirstAid("", principal)) return undefined;
    return this.refusals.say("overload");
  }

  /** Why no session is opened now; undefined when one is. */
  refuseSession(): ManagerError | undefined {
    if (this.#isStopping) return this.refusals.say("stopping");
    if (this.stage.current >= 2) return this.refusals.say("overload");
    return this.#rate.take() ? undefined : this.refusals.say("session_rate");
  }
}

/** Whether a request is of those that are let in last of all: probes, and whoever can do something about it. */
export function isFirstAid(path: string, principal: NamedPrincipal | undefined): boolean {
  return probePaths.test(path) || (principal !== undefined && isAllowed(principal, "servers:write"));
}

/** Whether a client may be finding out by this request which era an endpoint is of. */
function asksForEra({ headers }: IncomingMessage): boolean {
  const method = headers["mcp-method"];
  return headers["mcp-session-id"] === undefined && (method === undefined || method === "server/discover");
}
