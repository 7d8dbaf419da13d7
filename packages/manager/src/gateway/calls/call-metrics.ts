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

/** How calls ended since somebody looked. */
export interface CallTally {
  readonly requests: number;
  /** Of `requests`: no answer of the server's. */
  readonly failures: number;
  /** Of `requests`: answers that say that something is wrong. */
  readonly errors: number;
  /** Of `requests`: a limit was reached, so that nobody was asked. */
  readonly refused: number;
  /** All of them together. */
  readonly durationMs: number;
}

/** Among what a tally counts an outcome, beside the requests. */
const tallied: Readonly<Partial<Record<CallOutcome, "failures" | "errors" | "refused">>> = {
  tool_error: "errors",
  protocol_error: "errors",
  unavailable: "failures",
  timeout: "failures",
  refused: "refused",
};

/** The counters of one server, revision and method. */
export class MethodMetrics {
  readonly #outcomes = new Map<CallOutcome, CounterChild>();
  readonly #counter: (outcome: CallOutcome) => CounterChild;
  readonly #duration: HistogramChild;
  readonly #upstream: HistogramChild;
  readonly #taken = new Map<CallOutcome, number>();
  #untakenMs = 0;

  constructor(counter: (outcome: CallOutcome) => CounterChild, duration: HistogramChild, upstream: HistogramChild) {
    this.#counter = counter;
    this.#duration = duration;
    this.#upstream = upstream;
  }

  /** What ended since this was asked the last time. */
  take(): CallTally {
    const tally = { requests: 0, failures: 0, errors: 0, refused: 0, durationMs: this.#untakenMs };
    this.#untakenMs = 0;
    for (const [outcome, { value }] of this.#outcomes) {
      const count = value - (this.#taken.get(outcome) ?? 0);
      this.#taken.set(outcome, value);
      tally.requests += count;
      const kind = tallied[outcome];
      if (kind !== undefined) tally[kind] += count;
    }
    return tally;
  }

  /** `upstreamMs` is the part of it that a server took; absent when none was asked. */
  ended(outcome: CallOutcome, durationMs: number, upstreamMs?: number): void {
    let child = this.#outcomes.get(outcome);
    if (child === undefined) this.#outcomes.set(outcome, (child = this.#counter(outcome)));
    child.inc();
    this.#untakenMs += durationMs;
    this.#duration.observe(durationMs / 1_000);
    if (upstreamMs !== undefined) this.#upstream.observe(upstreamMs / 1_000);
  }
}

interface KnownMethods {
  readonly server: string;
  readonly methods: Map<string, MethodMetrics>;
}

/** Servers and revisions whose children are kept at hand; beyond it all are looked up anew. */
const knownMax = 1_000;

export class CallMetrics {
  readonly #known = new Map<string, KnownMethods>();
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
    let known = this.#known.get(key);
    if (known === undefined) {
      if (this.#known.size >= knownMax) this.#known.clear();
      this.#known.set(key, (known = { server, methods: new Map() }));
    }
    return known.methods.get(method) ?? this.#add(known.methods, server, revision, method);
  }

  /** What ended since this was asked the last time, by server; only of servers that something ended of. */
  take(): ReadonlyMap<string, CallTally> {
    const tallies = new Map<string, CallTally>();
    for (const { server, methods } of this.#known.values()) {
      for (const method of methods.values()) {
        const tally = method.take();
        if (tally.requests > 0) tallies.set(server, added(tallies.get(server), tally));
      }
    }
    return tallies;
  }

  /** Clients choose the names of methods that no revision has: those are counted as one. */
  #add(methods: Map<string, MethodMetrics>, server: string, revision: string, method: string): MethodMetrics {
    const name = methodInfo(method) === undefined ? "other" : method;
    let found = methods.get(name);
    if (found === undefined) methods.set(name, (found = this.#make(server, revision, name)));
    return found;
  }
}

function added(
  before: CallTally | undefined,
  { requests, failures, errors, refused, durationMs }: CallTally,
): CallTally {
  return {
    requests: requests + (before?.requests ?? 0),
    failures: failures + (before?.failures ?? 0),
    errors: errors + (before?.errors ?? 0),
    refused: refused + (before?.refused ?? 0),
    durationMs: durationMs + (before?.durationMs ?? 0),
  };
}
