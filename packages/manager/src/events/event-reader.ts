/**
 * One reader's place on the bus: what it has read, how much of what it asked for was overwritten before it came to it, and up to which
 * store revision it was told everything. It holds no events and has no end of its own; what it is not asked for costs nothing.
 */
import type { Event, EventTopic } from "@mcp-manager/api";
import { isStoredTopic, topics as allTopics } from "@mcp-manager/api";
import type { Hearing, Ring, RingEntry } from "./ring.ts";

/** An event as a reader is told it. */
export interface ReadEvent {
  readonly kind: "event";
  readonly event: Event;
  /** On the last that it asked for of a store revision. */
  readonly position?: string;
}

/** What came since the last look, oldest first. */
export interface Batch {
  readonly items: readonly ReadEvent[];
  /** How many it asked for were overwritten before it came to them; they lie before whatever is read next, and `items` is empty. */
  readonly missed: { readonly passing: number; readonly stored: number } | undefined;
}

/** So that a reader far behind lets others have their turn. */
const batchMax = 256;

const nothing: Batch = { items: [], missed: undefined };

export class EventReader implements AsyncIterable<Batch>, Disposable, Hearing {
  readonly #ring: Ring;
  readonly #topics: readonly EventTopic[];
  readonly #wants: ReadonlySet<EventTopic>;
  /** By topic, the ordinal of the last that was looked at. */
  readonly #seen = new Map<EventTopic, number>();
  /** The first sequence that was not looked at. */
  #next: number;
  /** Passing events before this sequence are not for it: they were before its time, or it was told them. */
  #heardTo: number;
  /** Everything stored up to this revision was told, or is being told: of the revision that is being read. */
  #place: bigint;
  #reading: bigint | undefined;
  #isOver = false;
  #wake: (() => void) | undefined;
  #isAwaited = false;

  /** Begins with what comes next. */
  constructor(ring: Ring, topics: ReadonlySet<EventTopic> | undefined) {
    this.#ring = ring;
    this.#wants = topics ?? new Set(Object.keys(allTopics) as EventTopic[]);
    this.#topics = [...this.#wants];
    this.#next = ring.end;
    this.#heardTo = ring.end;
    this.#place = ring.revision;
    for (const topic of this.#topics) this.#seen.set(topic, ring.said(topic));
  }

  /** Everything that was asked for up to this store revision was read, or was told otherwise. */
  get place(): bigint {
    return this.#place;
  }

  /** Whether the ring has everything stored that came after this revision. */
  covers(place: bigint): boolean {
    return place >= this.#ring.floor && place <= this.#ring.revision;
  }

  /** Goes on with what is stored after this revision, whatever was read; passing events are not told again. */
  goTo(place: bigint): void {
    this.#heardTo = Math.max(this.#heardTo, this.#next);
    this.#place = place;
    this.#reading = undefined;
    for (let at = this.#ring.end - 1; at >= this.#ring.oldest; at -= 1) {
      const entry = this.#ring.at(at);
      if (entry?.revision === undefined) continue;
      if (entry.revision <= place) break;
      this.#next = Math.min(this.#next, at);
      const { topic } = entry.event;
      this.#seen.set(topic, Math.min(this.#seen.get(topic) ?? 0, entry.ordinal - 1));
    }
  }

  /** What came since the last look; at most so many events that there may be more. */
  read(): Batch {
    if (this.#next < this.#ring.oldest) return { items: [], missed: this.#skip() };
    if (this.#next >= this.#ring.end) {
      if (this.#ring.revision > this.#place) this.#place = this.#ring.revision;
      return nothing;
    }
    const items: ReadEvent[] = [];
    while (this.#next < this.#ring.end) {
      const entry = this.#ring.at(this.#next);
      // What belongs to one revision is not cut in two.
      if (items.length >= batchMax && entry?.revision !== this.#place) break;
      this.#next += 1;
      if (entry !== undefined) this.#take(entry, items);
    }
    return items.length === 0 ? nothing : { items, missed: undefined };
  }

  /** Resolves at the next event, or when it is woken. Await it only when `read` had nothing, in the same turn. */
  news(): Promise<void> {
    if (this.#isOver || this.#next < this.#ring.end) return Promise.resolve();
    if (!this.#isAwaited) this.#ring.await(this);
    this.#isAwaited = true;
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** For the bus: there is something. */
  heard(): void {
    this.#isAwaited = false;
    this.wake();
  }

  /** Ends a wait. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Whatever is there by now, and then what comes, until it is disposed of; then what is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    for (;;) {
      const batch = this.read();
      if (batch !== nothing) yield batch;
      else if (this.#isOver) return;
      else await this.news();
    }
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.wake();
  }

  #take(entry: RingEntry, items: ReadEvent[]): void {
    const { event, revision, sequence, ordinal } = entry;
    const isWanted = this.#wants.has(event.topic);
    if (revision === undefined) {
      if (!isWanted || sequence < this.#heardTo) return;
      this.#seen.set(event.topic, ordinal);
      return void items.push({ kind: "event", event });
    }
    if (isWanted) this.#seen.set(event.topic, ordinal);
    // It was told otherwise, unless it is not the first of its revision here.
    if (revision <= this.#place && revision !== this.#reading) return;
    this.#place = revision;
    this.#reading = revision;
    if (!isWanted) return;
    const isLast = !this.#hasMoreOf(revision, sequence);
    items.push(isLast ? { kind: "event", event, position: String(revision) } : { kind: "event", event });
  }

  #hasMoreOf(revision: bigint, sequence: number): boolean {
    for (let at = sequence + 1; at < this.#ring.end; at += 1) {
      const entry = this.#ring.at(at);
      if (entry?.revision !== revision) return false;
      if (this.#wants.has(entry.event.topic)) return true;
    }
    return false;
  }

  /** Goes to what is left of the ring; how many that it asked for it never came to. */
  #skip(): { readonly passing: number; readonly stored: number } {
    const missed = { passing: 0, stored: 0 };
    for (const topic of this.#topics) {
      const [seen, gone] = [this.#seen.get(topic) ?? 0, this.#ring.gone(topic)];
      if (gone <= seen) continue;
      missed[isStoredTopic(topic) ? "stored" : "passing"] += gone - seen;
      this.#seen.set(topic, gone);
    }
    this.#next = this.#ring.oldest;
    return missed;
  }
}
