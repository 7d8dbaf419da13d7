/**
 * The guards of this instance: one for each server that is routed, made and changed with its rules, held open or closed where a person
 * decided so, told which replicas there are, and forgotten with its server. Tells others when a breaker moved or a replica was put
 * aside, once. What a guard decides is its own (`resilience/`).
 */
import type { BreakerState } from "@mcp-manager/api";
import type { Unsubscribe } from "../base/watched.ts";
import type { EventSink } from "../events/event.ts";
import type { Guard, GuardRules } from "../resilience/guard.ts";
import type { UpstreamSet } from "./upstream-set.ts";

/** A person's decision on a server's breaker. Equal ones are one object. */
export interface Forced {
  readonly state: "open" | "closed";
  readonly reason: string;
  readonly by: string;
}

export interface GuardsOptions {
  readonly upstreams: UpstreamSet;
  readonly events: EventSink;
  /** A new guard; `onChange` is called after its breaker moved or a replica was put aside or taken back. */
  readonly make: (server: string, rules: GuardRules, onChange: () => void) => Guard;
}

interface Entry {
  readonly guard: Guard;
  rules: GuardRules;
  forced: Forced | undefined;
  /** What was told last. */
  breaker: BreakerState;
  ejected: readonly string[];
}

export class Guards implements Disposable {
  readonly #options: GuardsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(server: string) => void>();
  readonly #unsubscribe: Unsubscribe;

  constructor(options: GuardsOptions) {
    this.#options = options;
    this.#unsubscribe = options.upstreams.onChange(({ kind, server }) => {
      if (kind === "attached" || kind === "detached") this.#entries.get(server)?.guard.replicas(this.#replicas(server));
    });
  }

  /** Servers that have one, in no order. */
  get servers(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Undefined for a server that is not routed. */
  of(server: string): Guard | undefined {
    return this.#entries.get(server)?.guard;
  }

  /** The servers that are routed, and their rules: equal rules are one object. */
  follow(routes: ReadonlyMap<string, { readonly rules: GuardRules }>): void {
    for (const server of this.#entries.keys()) if (!routes.has(server)) this.#entries.delete(server);
    for (const [server, { rules }] of routes) {
      const entry = this.#entries.get(server) ?? this.#add(server, rules);
      if (entry.rules === rules) continue;
      entry.rules = rules;
      entry.guard.setRules(rules);
    }
  }

  /** What a person decided; undefined takes it back. Said again, does nothing. A server that is not routed is passed over. */
  force(server: string, forced: Forced | undefined): void {
    const entry = this.#entries.get(server);
    if (entry === undefined || entry.forced === forced) return;
    entry.forced = forced;
    entry.guard.force(forced);
    this.#look(server, entry);
  }

  /** Calls `listener` with a server whose breaker moved, or of whose replicas others are put aside. */
  onChange(listener: (server: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #add(server: string, rules: GuardRules): Entry {
    const guard = this.#options.make(server, rules, () => {
      const entry = this.#entries.get(server);
      if (entry?.guard === guard) this.#look(server, entry);
    });
    const entry: Entry = { guard, rules, forced: undefined, breaker: guard.breaker, ejected: [] };
    this.#entries.set(server, entry);
    guard.replicas(this.#replicas(server));
    return entry;
  }

  #replicas(server: string): readonly string[] {
    return this.#options.upstreams.replicas(server).map(({ name }) => name);
  }

  /** Tells what is other than what was told last. */
  #look(server: string, entry: Entry): void {
    const { guard } = entry;
    const { breaker, ejected: before } = entry;
    const { ejected } = guard.load;
    entry.breaker = guard.breaker;
    entry.ejected = ejected;
    if (breaker !== guard.breaker) this.#tellBreaker(server, breaker, guard);
    for (const replica of ejected) if (!before.includes(replica)) this.#tellEjected(server, replica);
    for (const listener of [...this.#listeners]) listener(server);
  }

  #tellBreaker(server: string, from: BreakerState, { breaker: to, detail }: Guard): void {
    const why = detail === undefined ? "" : `: ${detail.reason}`;
    this.#options.events.publish({
      topic: "breaker.state",
      server,
      message: `${from} → ${to}${why}`,
      severity: to === "open" ? "warning" : "info",
      data: { from, to, ...(detail === undefined ? {} : { reason: detail.reason }) },
    });
  }

  #tellEjected(server: string, replica: string): void {
    this.#options.events.publish({
      topic: "replica.ejected",
      server,
      replica,
      message: "put aside: it fails more than its peers",
      severity: "warning",
    });
  }
}
