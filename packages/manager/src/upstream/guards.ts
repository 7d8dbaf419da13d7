/**
 * The guards of this instance: one for each server that is routed, made and changed with its rules, held open or closed where a person
 * decided so, told which replicas there are, and forgotten with its server. Tells others when a breaker moved or a replica was put
 * aside or is left alone, once. What a guard decides is its own (`resilience/`).
 */
import { formatDuration } from "@mcp-manager/api";
import type { Unsubscribe } from "../base/watched.ts";
import type { EventSink, PassingEvent } from "../events/event.ts";
import type { Guard, GuardRules } from "../resilience/guard.ts";
import type { GuardChange } from "../resilience/server-guard.ts";
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
  /** A new guard; `onChange` is called after a breaker of it moved, or a replica was put aside, taken back or is left alone. */
  readonly make: (server: string, rules: GuardRules, onChange: (change: GuardChange) => void) => Guard;
}

interface Entry {
  readonly guard: Guard;
  rules: GuardRules;
  forced: Forced | undefined;
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
  }

  /** Calls `listener` with a server whose breaker moved, or of whose replicas others are put aside or left alone. */
  onChange(listener: (server: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #add(server: string, rules: GuardRules): Entry {
    const guard = this.#options.make(server, rules, (change) => {
      if (this.#entries.get(server)?.guard === guard) this.#tell(server, change);
    });
    const entry: Entry = { guard, rules, forced: undefined };
    this.#entries.set(server, entry);
    guard.replicas(this.#replicas(server));
    return entry;
  }

  #replicas(server: string): readonly string[] {
    return this.#options.upstreams.replicas(server).map(({ name }) => name);
  }

  #tell(server: string, change: GuardChange): void {
    this.#options.events.publish({ server, ...eventOf(change) });
    for (const listener of [...this.#listeners]) listener(server);
  }
}

/** What changed, as others may hear of it. */
function eventOf(change: GuardChange): PassingEvent {
  if (change.kind === "breaker") return breakerEvent(change);
  const { kind, replica } = change;
  if (kind === "held-off") {
    const message = `left alone for ${inWholeSeconds(change.forMs)}, as its server asked for`;
    return { topic: "replica.held-off", replica, message, severity: "info", data: { forMs: change.forMs } };
  }
  const topic = "replica.ejected";
  if (kind === "returned") return { topic, replica, message: "taken back", severity: "info", data: { ejected: false } };
  const { reason, forMs } = change;
  const message = `put aside for ${inWholeSeconds(forMs)}: ${reason}`;
  return { topic, replica, message, severity: "warning", data: { ejected: true, reason } };
}

function inWholeSeconds(ms: number): string {
  return formatDuration(Math.max(1, Math.round(ms / 1_000)) * 1_000);
}

function breakerEvent({ tool, revision, from, to, reason }: Extract<GuardChange, { kind: "breaker" }>): PassingEvent {
  const subject = `${revision === undefined ? "" : `revision ${revision}: `}${tool === undefined ? "" : `tool ${tool}: `}`;
  // A person may hold it where it is.
  const move = from === to ? "" : `${from} → ${to}: `;
  return {
    topic: "breaker.state",
    message: `${subject}${move}${reason}`,
    severity: to === "open" ? "warning" : "info",
    data: {
      from,
      to,
      reason,
      ...(tool === undefined ? {} : { tool }),
      ...(revision === undefined ? {} : { revision }),
    },
  };
}
