/**
 * What the door says to those it turns away for now, and how often it did. When to come again is spread, so that those who are
 * turned away together do not come back together.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Random } from "../../base/random.ts";
import type { CounterChild, Metrics } from "../../telemetry/metrics.ts";

/** Why somebody is turned away, as the metric names it. */
export type RefusalReason = "overload" | "connections" | "address" | "principal" | "session_rate" | "stopping";

/** The reasons that a caller is told of; connections that are only closed hear nothing. */
export type SaidReason = Exclude<RefusalReason, "address">;

interface Saying {
  readonly reason: string;
  readonly message: string;
  /** A client comes again after between one and five times this. */
  readonly leastMs: number;
}

const sayings: Readonly<Record<SaidReason, Saying>> = {
  overload: {
    reason: "OVERLOADED",
    message: "the manager is overloaded and takes no new work now; try again later",
    leastMs: 2_000,
  },
  connections: {
    reason: "TOO_MANY_CONNECTIONS",
    message: "as many clients are connected as are allowed; try again later",
    leastMs: 1_000,
  },
  principal: {
    reason: "TOO_MANY_REQUESTS",
    message: "this key has as many requests and streams open as are allowed; end some, or try again later",
    leastMs: 1_000,
  },
  session_rate: {
    reason: "TOO_MANY_NEW_SESSIONS",
    message: "more sessions are being opened than are taken at a time; try again later",
    leastMs: 1_000,
  },
  stopping: { reason: "STOPPING", message: "the manager is being stopped", leastMs: 2_000 },
};

export class Refusals {
  readonly #random: Random;
  readonly #counters: Readonly<Record<RefusalReason, CounterChild>>;

  constructor(random: Random, metrics: Metrics) {
    this.#random = random;
    const family = metrics.counter("mcp_manager_refused_total", "Clients that were turned away at the door.", [
      "reason",
    ]);
    const of = (reason: RefusalReason): CounterChild => family.child([reason]);
    this.#counters = {
      overload: of("overload"),
      connections: of("connections"),
      address: of("address"),
      principal: of("principal"),
      session_rate: of("session_rate"),
      stopping: of("stopping"),
    };
  }

  /** A connection that was closed unheard. */
  count(reason: RefusalReason): void {
    this.#counters[reason].inc();
  }

  /**
   * What a request is told, counted. 503 unless `is429`: a client that asks which era an endpoint is of takes any other 4xx for an
   * answer (specification 2026-07-28, basic/versioning).
   */
  say(why: SaidReason, is429 = false): ManagerError {
    this.#counters[why].inc();
    const { reason, message, leastMs } = sayings[why];
    const retryAfterMs = Math.ceil(leastMs * (1 + 4 * this.#random.next()));
    return new ManagerError(is429 ? "resource_exhausted" : "unavailable", message, { reason, retryAfterMs });
  }
}
