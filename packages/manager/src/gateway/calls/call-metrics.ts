/**
 * What is counted of each call. Children are resolved once per server, revision and method, so that a call pays two lookups and
 * three or four additions.
 */
import { methodInfo } from "../../protocol/methods.ts";
import type { CounterChild, HistogramChild, Metrics } from "../../telemetry/metrics.ts";

/** How a call ended, as metrics and audit name it. */
export type CallOutcome =
  | "result"
  | "input_required"
  | "tool_error"
  | "protocol_error"
  | "unavailable"
  | "timeout"
  | "cancelled"
  | "refused";

/** The counters of one server, revision and method. */
export class MethodMetrics {
  readonly #outcomes = new Map<CallOutcome, CounterChild>();
  readonly #counter: (outcome: CallOutcome) => CounterChild;
  readonly #duration: HistogramChild;
  readonly #upstream: HistogramChild;

  constructor(counter: (outcome: CallOutcome) => CounterChild, duration: HistogramChild, upstream: HistogramChild) {
    this.#counter = counter;
    this.#duration = duration;
    this.#upstream = upstream;
  }

  /** `upstreamMs` is the part of it that a server took; absent when none was asked. */
  ended(outcome: CallOutcome, durationMs: number, upstreamMs?: number): void {
    let child = this.#outcomes.get(outcome);
    if (child === undefined) this.#outcomes.set(outcome, (child = this.#counter(outcome)));
    child.inc();
    this.#duration.observe(durationMs / 1_000);
    if (upstreamMs !== undefined) this.#upstream.observe(upstreamMs / 1_000);
  }
}

/** Servers and revisions whose children are kept at hand; beyond it all are looked up anew. */
const knownMax = 1_000;

export class CallMetrics {
  readonly #known = new Map<string, Map<string, MethodMetrics>>();
  readonly #make: (server: string, revision: string, method: string) => MethodMetrics;

  constructor(metrics: Metrics) {
    const requests = metrics.counter("mcp_manager_requests_total", "MCP requests by how they ended.", [
      "server",
      "revision",
      "method",
      "outcome",
    ]);
    const durations = metrics.histogram(
      "mcp_manager_request_duration_seconds",
      "Time from a request's arrival to its end.",
      ["server", "method"],
    );
    const upstream = metrics.histogram(
      "mcp_manager_upstream_duration_seconds",
      "Time from handing a request to a server's connection to its end.",
      ["server", "method"],
    );
    this.#make = (server, revision, method) =>
      new MethodMetrics(
        (outcome) => requests.child([server, revision, method, outcome]),
        durations.child([server, method]),
        upstream.child([server, method]),
      );
  }

  /** The counters of one method; `server` and `revision` are "" for what the gateway answers itself. */
  of(server: string, revision: string, method: string): MethodMetrics {
    // A revision's name says its server; a space is in neither name, so a server is never taken for a revision.
    const key = revision === "" ? ` ${server}` : revision;
    let methods = this.#known.get(key);
    if (methods === undefined) {
      if (this.#known.size >= knownMax) this.#known.clear();
      this.#known.set(key, (methods = new Map()));
    }
    return methods.get(method) ?? this.#add(methods, server, revision, method);
  }

  /** Clients choose the names of methods that no revision has: those are counted as one. */
  #add(methods: Map<string, MethodMetrics>, server: string, revision: string, method: string): MethodMetrics {
    const name = methodInfo(method) === undefined ? "other" : method;
    let found = methods.get(name);
    if (found === undefined) methods.set(name, (found = this.#make(server, revision, name)));
    return found;
  }
}
