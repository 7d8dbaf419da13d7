/**
 * The bus: what happened last, in a ring that is bounded by number and by bytes, and any number of readers that go through it each at
 * its own pace. Publishing costs the same whoever reads: nobody is waited for, and a reader that was too slow is told what it lost.
 * Stored events come in the order of their revisions. It delivers nothing to the outside and keeps nothing beyond the ring.
 */
import type { Event, EventTopic } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { EventReader } from "./event-reader.ts";
import type { EventSink, PassingEvent } from "./event.ts";
import type { Hearing, Ring, RingEntry } from "./ring.ts";

/** A stored event, and about how much memory it holds. */
export interface StoredEvent {
  readonly event: Event;
  readonly bytes: number;
}

export interface EventBusOptions {
  readonly clock: Clock;
  /** Events kept. Default 10,000. */
  readonly capacity?: number;
  /** Bytes kept, as their publishers reckon. Default 64 MiB. */
  readonly bytesMax?: number;
  /** Hears of each event's topic at once; must not throw. For counting. */
  readonly onPublished?: (topic: EventTopic) => void;
}

/** What an event takes beside its texts and what belongs to it. */
const eventBytes = 512;

export class EventBus implements EventSink, Ring {
  readonly #options: EventBusOptions;
  readonly #capacity: number;
  readonly #bytesMax: number;
  /** The entry of sequence n stands at n modulo the capacity. */
  readonly #entries: (RingEntry | undefined)[] = [];
  readonly #said = new Map<EventTopic, number>();
  readonly #gone = new Map<EventTopic, number>();
  #waiting: Hearing[] = [];
  #oldest = 1;
  #end = 1;
  #bytes = 0;
  #revision = 0n;
  #floor = 0n;

  constructor(options: EventBusOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 10_000;
    this.#bytesMax = options.bytesMax ?? 67_108_864;
  }

  get oldest(): number {
    return this.#oldest;
  }

  get end(): number {
    return this.#end;
  }

  get revision(): bigint {
    return this.#revision;
  }

  get floor(): bigint {
    return this.#floor;
  }

  /** Bytes that the ring holds, as publishers reckon. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Says that stored events are published from after this revision on; nothing before it can be told from the ring any more. */
  begin(revision: bigint): void {
    this.#floor = revision;
    this.#revision = revision;
  }

  publish(event: PassingEvent): void {
    const at = new Date(this.#options.clock.wallMs()).toISOString();
    this.#add({ ...event, at }, undefined, event.message.length * 2);
    this.#wake();
  }

  /** Publishes all that follows from one store revision, which may be nothing; revisions come in order. */
  publishStored(revision: bigint, events: readonly StoredEvent[]): void {
    for (const { event, bytes } of events) this.#add(event, revision, bytes);
    this.#revision = revision;
    if (events.length > 0) this.#wake();
  }

  /** Reads what is published from now on under these topics; without any, under all. */
  reader(topics?: ReadonlySet<EventTopic>): EventReader {
    return new EventReader(this, topics);
  }

  /** What happened to one server last, newest first, as far as the ring goes back. */
  recent(server: string, count: number): readonly Event[] {
    const found: Event[] = [];
    for (let sequence = this.#end - 1; sequence >= this.#oldest && found.length < count; sequence -= 1) {
      const event = this.at(sequence)?.event;
      if (event?.server === server && event.topic !== "metric.sample") found.push(event);
    }
    return found;
  }

  at(sequence: number): RingEntry | undefined {
    return this.#entries[sequence % this.#capacity];
  }

  said(topic: EventTopic): number {
    return this.#said.get(topic) ?? 0;
  }

  gone(topic: EventTopic): number {
    return this.#gone.get(topic) ?? 0;
  }

  await(hearing: Hearing): void {
    this.#waiting.push(hearing);
  }

  #add(event: Event, revision: bigint | undefined, ownBytes: number): void {
    const { topic } = event;
    const bytes = eventBytes + ownBytes;
    const ordinal = this.said(topic) + 1;
    this.#said.set(topic, ordinal);
    while (this.#end > this.#oldest && (this.#isFull || this.#bytes + bytes > this.#bytesMax)) this.#drop();
    this.#entries[this.#end % this.#capacity] = { event, sequence: this.#end, revision, ordinal, bytes };
    this.#end += 1;
    this.#bytes += bytes;
    this.#options.onPublished?.(topic);
  }

  get #isFull(): boolean {
    return this.#end - this.#oldest >= this.#capacity;
  }

  #drop(): void {
    const place = this.#oldest % this.#capacity;
    const entry = this.#entries[place];
    this.#entries[place] = undefined;
    this.#oldest += 1;
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    this.#gone.set(entry.event.topic, entry.ordinal);
    if (entry.revision !== undefined) this.#floor = entry.revision;
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const hearing of waiting) hearing.heard();
  }
}
