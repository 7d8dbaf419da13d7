/**
 * How the revisions of a server fare beside each other while a deployment is under way: what a deployment is judged by. Counts calls of
 * servers of which several revisions serve, where they end, from one reset to the next. Judges nothing, and keeps nothing of a server
 * that is on one revision.
 * Source: reliability.md §1.2, "Metrics for analysis".
 */
import { LogHistogram } from "../../base/log-histogram.ts";
import type { Unsubscribe, Watched } from "../../base/watched.ts";
import type { Ending } from "../../resilience/ending.ts";
import { servesSeveral } from "../routing/revision-of.ts";
import type { RoutingTable, ServerRoute } from "../routing/routing-table.ts";
import type { CallOutcome } from "./call-metrics.ts";
import type { MeasureSource, RevisionMeasures } from "../../telemetry/revision-measures.ts";

/** A call that has ended. */
export interface MeasuredCall {
  readonly server: string;
  /** The revision that had it; undefined when none came to have it. */
  readonly revision: string | undefined;
  /** The one that it was to go to; undefined: any. */
  readonly wanted: string | undefined;
  /** Whether a breaker kept it back. */
  readonly isShut: boolean;
  readonly outcome: CallOutcome;
  readonly ending: Ending;
  /** The server's own name of the tool that was called. */
  readonly tool: string | undefined;
  /** Who called outside a session. */
  readonly principal: string | undefined;
  /** What the server took for it; undefined when that is not known or a client's answers are in it. */
  readonly tookMs: number | undefined;
  /** Length of the server's answer. */
  readonly bytes: number;
}

const principalsMax = 10_000;
const toolsMax = 500;
const part = 0.95;

/** What an ending is counted as; reliability.md §2.3 says whose fault it is. What is none says nothing of the revision. */
const kinds: Readonly<Record<Ending, "answer" | "tool-error" | "client-error" | "failure" | "cancelled" | "none">> = {
  answered: "answer",
  tool_error: "tool-error",
  client_fault: "client-error",
  server_fault: "failure",
  bad_gateway: "failure",
  timeout: "failure",
  unsent: "failure",
  broken: "failure",
  cancelled: "cancelled",
  rate_limited: "none",
  withdrawn: "none",
};

/** The counts of this instance. A call that began while one revision served is never among them. */
export class CallMeasures implements Omit<MeasureSource, "pending"> {
  /** By server and revision: those of the routes that there are, so that neither can grow. */
  readonly #servers = new Map<string, Map<string, Tally>>();

  /** Counts for the servers of which several revisions serve by this table, for as long as it is subscribed. */
  follow(table: Watched<RoutingTable>): Unsubscribe {
    this.#retain(table.current.servers);
    return table.onChange(({ servers }) => this.#retain(servers));
  }

  /** Only for servers that `servesSeveral` is true of: the others need not come here. */
  ended(call: MeasuredCall): void {
    const revision = call.revision ?? call.wanted;
    if (revision !== undefined) this.#servers.get(call.server)?.get(revision)?.ended(call);
  }

  /** A session was put on a revision. */
  began(server: string, revision: string): void {
    this.#servers.get(server)?.get(revision)?.began();
  }

  of(server: string, revision: string): RevisionMeasures | undefined {
    const tallies = this.#servers.get(server);
    return tallies === undefined ? undefined : (tallies.get(revision) ?? new Tally()).measures();
  }

  reset(server: string): void {
    const tallies = this.#servers.get(server);
    for (const revision of tallies?.keys() ?? []) tallies?.set(revision, new Tally());
  }

  #retain(servers: ReadonlyMap<string, ServerRoute>): void {
    for (const server of this.#servers.keys()) {
      const route = servers.get(server);
      if (route === undefined || !servesSeveral(route)) this.#servers.delete(server);
    }
    for (const route of servers.values()) if (servesSeveral(route)) this.#measure(route);
  }

  #measure({ name, revisions }: ServerRoute): void {
    if (revisions === undefined) return;
    const { stable, next, draining } = revisions;
    const known = this.#servers.get(name);
    const serving = [stable, ...(next === undefined ? [] : [next.revision]), ...draining];
    this.#servers.set(name, new Map(serving.map((revision) => [revision, known?.get(revision) ?? new Tally()])));
  }
}

/** Of one revision. */
class Tally {
  #answers = 0;
  #failures = 0;
  #clientErrors = 0;
  #toolErrors = 0;
  #cancelled = 0;
  #resultBytes = 0;
  #sessions = 0;
  readonly #principals = new Set<string>();
  readonly #tools = new Map<string, LogHistogram>();

  began(): void {
    this.#sessions++;
  }

  ended(call: MeasuredCall): void {
    const { principal, outcome, tool, tookMs } = call;
    if (principal !== undefined && this.#principals.size < principalsMax) this.#principals.add(principal);
    this.#count(call);
    // An error is quick, and a question is no result: either would hide that results are slow.
    if (outcome === "result" && tool !== undefined && tookMs !== undefined) this.#time(tool, tookMs);
  }

  measures(): RevisionMeasures {
    return {
      requests: this.#answers + this.#toolErrors + this.#clientErrors + this.#failures,
      failures: this.#failures,
      clientErrors: this.#clientErrors,
      toolErrors: this.#toolErrors,
      cancelled: this.#cancelled,
      resultBytes: this.#resultBytes,
      principals: this.#principals.size,
      sessions: this.#sessions,
      tools: [...this.#tools].map(([tool, times]) => ({ tool, samples: times.count, p95Ms: times.quantile(part) })),
    };
  }

  #count(call: MeasuredCall): void {
    switch (kindOf(call)) {
      case "answer":
        this.#answers++;
        this.#resultBytes += call.bytes;
        break;
      case "tool-error":
        this.#toolErrors++;
        this.#resultBytes += call.bytes;
        break;
      case "client-error":
        this.#clientErrors++;
        break;
      case "failure":
        this.#failures++;
        break;
      case "cancelled":
        this.#cancelled++;
        break;
      case "none":
        break;
    }
  }

  /** Only a name that had a result is kept, so that clients cannot fill the list with names that they made up. */
  #time(tool: string, tookMs: number): void {
    let times = this.#tools.get(tool);
    if (times === undefined) {
      if (this.#tools.size >= toolsMax) return;
      this.#tools.set(tool, (times = new LogHistogram()));
    }
    times.add(tookMs);
  }
}

/**
 * Where no replica was there to take it, or a breaker was open, the manager withdrew the call; for who called the revision it is down all
 * the same.
 */
function kindOf({ revision, isShut, outcome, ending }: MeasuredCall): (typeof kinds)[Ending] {
  const isDown = isShut || (revision === undefined && (outcome === "unavailable" || outcome === "timeout"));
  return isDown ? "failure" : kinds[ending];
}
