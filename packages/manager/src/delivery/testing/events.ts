/** Streams of events that a test writes: stored ones are there for ever and read from any position, passing ones by who listens. */
import type { Event, StreamItem } from "@mcp-manager/api";
import type { EventStreams, StreamOptions } from "../../events/stream.ts";

const at = "2027-01-01T00:00:00.000Z";

/** An event of a server that follows from the store's change at `revision`. */
export function storedEvent(revision: number, message = `change ${revision}`): Event {
  return { topic: "server.state", at, revision: String(revision), server: "weather", message, severity: "info" };
}

/** An event that is said once. */
export function passingEvent(message: string): Event {
  return { topic: "breaker.state", at, server: "weather", message, severity: "warning" };
}

interface Reader {
  readonly queue: StreamItem[];
  broken: Error | undefined;
  wake(): void;
}

export class WrittenStreams implements EventStreams {
  /** What was asked for, in its order. */
  readonly opened: StreamOptions[] = [];
  readonly #stored: StreamItem[] = [];
  readonly #readers = new Set<Reader>();

  /** Positions start beyond whatever a store of a test has reached. */
  store(...events: readonly Event[]): void {
    for (const event of events) {
      const item: StreamItem = { kind: "event", event, position: event.revision ?? "0" };
      this.#stored.push(item);
      this.pass(item);
    }
  }

  /** Says something to who listens now. */
  pass(item: StreamItem): void {
    for (const reader of this.#readers) {
      reader.queue.push(item);
      reader.wake();
    }
  }

  open(options: StreamOptions): AsyncIterable<StreamItem> {
    this.opened.push(options);
    return this.#read(options);
  }

  /** Ends every stream with an error. */
  breakOff(message: string): void {
    for (const reader of this.#readers) {
      reader.broken = new Error(message);
      reader.wake();
    }
  }

  /** How many listen. */
  get readers(): number {
    return this.#readers.size;
  }

  async *#read({ after = "0", signal }: StreamOptions): AsyncGenerator<StreamItem, void, undefined> {
    let news = Promise.withResolvers<void>();
    const queue = this.#stored.filter((item) => item.kind === "event" && Number(item.position) > Number(after));
    const reader: Reader = { queue, broken: undefined, wake: () => news.resolve() };
    this.#readers.add(reader);
    signal.addEventListener("abort", reader.wake, { once: true });
    try {
      while (!signal.aborted) {
        const item = queue.shift();
        if (item === undefined) await news.promise;
        else yield item;
        if (queue.length === 0) news = Promise.withResolvers();
        if (signal.aborted) return;
        if (reader.broken !== undefined) throw reader.broken;
      }
    } finally {
      this.#readers.delete(reader);
    }
  }
}
