/**
 * The bus: what was published last, in a ring, and any number of readers that go through it each at its own pace. Publishing costs
 * the same whoever reads: a reader that is too slow loses the oldest and is told how many, and nobody waits for it. It delivers
 * nothing to the outside and keeps nothing beyond the ring.
 */
import type { Clock } from "../base/clock.ts";
import { globMatcher, type NameMatcher } from "../base/glob.ts";
import type { EventSink, EventTopic, ManagerEvent } from "./event.ts";

/** An event in its place. */
export interface StampedEvent extends ManagerEvent {
  /** From 1, without gaps, in the order of publishing; starts again with the process. */
  readonly sequence: number;
  /** RFC 3339. */
  readonly at: string;
}

/** What came since the last look, oldest first. */
export interface Batch {
  readonly events: readonly StampedEvent[];
  /** How many that the reader asked for were overwritten before it came to them; they lie before `events`. */
  readonly missed: number;
}

export interface EventBusOptions {
  readonly clock: Clock;
  /** Events kept. Default 10,000. */
  readonly capacity?: number;
  /** Hears of each event's topic at once; must not throw. For counting. */
  readonly onPublished?: (topic: EventTopic) => void;
}

/** So that a reader far behind lets others have their turn. */
const batchMax = 256;

export class EventBus implements EventSink {
  readonly #options: EventBusOptions;
  readonly #capacity: number;
  /** The event of sequence n stands at n modulo the capacity. */
  readonly #ring: StampedEvent[] = [];
  readonly #readers = new Set<EventReader>();
  #next = 1;

  constructor(options: EventBusOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 10_000;
  }

  publish(event: ManagerEvent): void {
    const { clock, onPublished } = this.#options;
    const place = this.#next % this.#capacity;
    const overwritten = this.#ring[place];
    if (overwritten !== undefined) for (const reader of this.#readers) reader.lost(overwritten);
    this.#ring[place] = { ...event, sequence: this.#next, at: new Date(clock.wallMs()).toISOString() };
    this.#next += 1;
    onPublished?.(event.topic);
    for (const reader of this.#readers) reader.wake();
  }

  /** Reads what is published from now on under topics that match one of `patterns` (`server.*`, `*`). Who opens it disposes of it. */
  reader(patterns: readonly string[]): EventReader {
    const source = { next: () => this.#next, from: (sequence: number) => this.#from(sequence) };
    const reader: EventReader = new EventReader(source, globMatcher(patterns), () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  /** What happened to one server last, newest first, as far as the ring goes back. */
  recent(server: string, count: number): readonly StampedEvent[] {
    const found: StampedEvent[] = [];
    for (let sequence = this.#next - 1; sequence >= this.#oldest && found.length < count; sequence -= 1) {
      const event = this.#ring[sequence % this.#capacity];
      if (event?.server === server) found.push(event);
    }
    return found;
  }

  get #oldest(): number {
    return Math.max(1, this.#next - this.#capacity);
  }

  *#from(sequence: number): Generator<StampedEvent, void, undefined> {
    for (let at = Math.max(sequence, this.#oldest); at < this.#next; at += 1) {
      const event = this.#ring[at % this.#capacity];
      if (event !== undefined) yield event;
    }
  }
}

/** What a reader needs of its bus. */
interface Source {
  /** The sequence that the next event will have. */
  next(): number;
  /** What is kept from that sequence on. */
  from(sequence: number): Iterable<StampedEvent>;
}

/** One reader's place on a bus. Iterating waits for what comes, and ends when the reader was disposed of and has read the rest. */
export class EventReader implements AsyncIterable<Batch>, Disposable {
  readonly #source: Source;
  readonly #wants: NameMatcher;
  readonly #onDispose: () => void;
  /** The first sequence that was not looked at. */
  #position: number;
  #missed = 0;
  /** The first sequence that is not for it any more. */
  #end = Number.POSITIVE_INFINITY;
  #news = Promise.withResolvers<void>();

  constructor(source: Source, wants: NameMatcher, onDispose: () => void) {
    this.#source = source;
    this.#wants = wants;
    this.#onDispose = onDispose;
    this.#position = source.next();
  }

  /** What came since the last look; at most so many events that there may be more. */
  read(): Batch {
    const events: StampedEvent[] = [];
    for (const event of this.#source.from(this.#position)) {
      if (events.length >= batchMax || event.sequence >= this.#end) break;
      this.#position = event.sequence + 1;
      if (this.#wants(event.topic)) events.push(event);
    }
    const missed = this.#missed;
    this.#missed = 0;
    return { events, missed };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    for (;;) {
      const batch = this.read();
      if (batch.events.length > 0 || batch.missed > 0) yield batch;
      else if (Number.isFinite(this.#end)) return;
      else await this.#news.promise;
    }
  }

  /** For the bus: an event is about to go. */
  lost(event: StampedEvent): void {
    if (event.sequence >= this.#position && this.#wants(event.topic)) this.#missed += 1;
  }

  /** For the bus: there may be something to read. */
  wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    this.#onDispose();
    this.#end = Math.min(this.#end, this.#source.next());
    this.wake();
  }
}
