/**
 * What the replicas of this instance wrote beside the protocol: one ring for each, kept over its restarts, and readers of one
 * replica's or of a whole server's lines. In memory only.
 */
import type { Clock } from "../base/clock.ts";
import { LineFollower, missedText } from "../runtime/line-follower.ts";
import { LogRing, type RingLine } from "../runtime/log-ring.ts";
import type { LineSink } from "../runtime/runtime.ts";

/** One line and whose it is. */
export interface ReplicaLine {
  readonly replica: string;
  /** RFC 3339. */
  readonly at: string;
  readonly text: string;
}

export interface LogsQuery {
  readonly server: string;
  /** Only this replica's lines. */
  readonly replica?: string;
  /** Lines from before now, at most. */
  readonly tail: number;
  /** Whether to go on with new lines until `signal` aborts. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export interface ReplicaLogsOptions {
  readonly clock: Clock;
  /** Masks what looks like a secret. */
  readonly redact: (text: string) => string;
}

interface Entry {
  readonly server: string;
  readonly ring: LogRing;
}

type Listener = (server: string, line: ReplicaLine) => void;

export class ReplicaLogs {
  readonly #options: ReplicaLogsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<Listener>();

  constructor(options: ReplicaLogsOptions) {
    this.#options = options;
  }

  /** Where a replica's lines go; the same ring for as long as the replica is known. */
  sink(server: string, replica: string): LineSink {
    return this.#entry(server, replica).ring;
  }

  /** The last lines that a replica wrote at `since` (RFC 3339) or later, oldest first; what a failure report quotes. */
  tail(replica: string, lines = 20, since = ""): readonly string[] {
    const last = this.#entries.get(replica)?.ring.tail(lines) ?? [];
    return last.filter(({ at }) => at >= since).map(({ text }) => text);
  }

  /** Drops a replica's lines. */
  forget(replica: string): void {
    this.#entries.delete(replica);
  }

  /** The lines that are asked for, oldest first, and then, with `follow`, those to come. */
  async *read(query: LogsQuery): AsyncGenerator<ReplicaLine, void, undefined> {
    const { signal } = query;
    const fits = (server: string, replica: string): boolean =>
      server === query.server && (query.replica === undefined || replica === query.replica);
    const follower = new LineFollower<ReplicaLine>({ signal, missed: (count) => this.#missed(query, count) });
    const listener: Listener = (server, line) => {
      if (fits(server, line.replica)) follower.push(line);
    };
    if (query.follow) this.#listeners.add(listener);
    try {
      for (const line of this.#past(query.tail, fits)) {
        if (signal.aborted) return;
        yield line;
      }
      if (query.follow) yield* follower.lines();
    } finally {
      this.#listeners.delete(listener);
    }
  }

  #past(tail: number, fits: (server: string, replica: string) => boolean): readonly ReplicaLine[] {
    const lines = [...this.#entries]
      .filter(([replica, { server }]) => fits(server, replica))
      .flatMap(([replica, { ring }]) => ring.tail(tail).map((line) => named(replica, line)));
    // Rings are in order already; stamps merge them, and equal stamps keep each ring's own order.
    return tail <= 0 ? [] : lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(-tail);
  }

  #entry(server: string, replica: string): Entry {
    const known = this.#entries.get(replica);
    if (known !== undefined) return known;
    const { clock, redact } = this.#options;
    const ring = new LogRing({ clock, redact });
    ring.onLine((line) => {
      for (const listener of this.#listeners) listener(server, named(replica, line));
    });
    const made: Entry = { server, ring };
    this.#entries.set(replica, made);
    return made;
  }

  #missed(query: LogsQuery, count: number): ReplicaLine {
    const at = new Date(this.#options.clock.wallMs()).toISOString();
    return { replica: query.replica ?? query.server, at, text: missedText(count) };
  }
}

function named(replica: string, { at, text }: RingLine): ReplicaLine {
  return { replica, at, text };
}
