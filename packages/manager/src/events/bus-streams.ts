/**
 * Streams of events out of the bus's ring and, where the ring does not go back far enough, out of the store: a reader that comes back,
 * or was too slow, catches up on stored events until it meets the ring again, so that it is told each once. Where the store has
 * forgotten its place, it is told so and shown what there is now.
 *
 *   begin ─ snapshot ─┬─▶ ring ── fell behind ──▶ catching up ──▶ ring …
 *                     └── reset ◀── forgotten ──┘
 */
import type { StreamItem } from "@mcp-manager/api";
import { ManagerError, topicsMatching } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { Semaphore } from "../base/semaphore.ts";
import { isForgotten } from "../registry/change-feed.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import { fromStoreError } from "../registry/store-error.ts";
import { FutureRevisionError } from "../store/store.ts";
import type { EventBus } from "./bus.ts";
import type { EventReader, ReadEvent } from "./event-reader.ts";
import { OneByOne } from "./one-by-one.ts";
import { eventfulKinds } from "./events-of.ts";
import { storedEvents } from "./store-events.ts";
import type { EventStreams, StreamOptions, View } from "./stream.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Views } from "./views.ts";

export interface BusStreamsOptions {
  readonly bus: EventBus;
  readonly registry: Pick<Registry, "changes">;
  readonly clock: Clock;
  /** Shows a server to who may see least. */
  readonly leastView: View;
  /** Streams at once. Default 1,000. */
  readonly streamsMax?: number;
}

/** Each that catches up holds what there was at its place. */
const catchingUpMax = 8;

/** What is there at once, in order. */
type Batches = AsyncGenerator<readonly StreamItem[], void, undefined>;

/** What a stream was opened with, checked. */
interface Asked {
  readonly after: bigint | undefined;
  readonly snapshot: boolean;
  readonly wants: ReadonlySet<string>;
  readonly view: View;
  readonly signal: AbortSignal;
}

export class BusStreams implements EventStreams, Disposable {
  readonly #options: BusStreamsOptions;
  readonly #places = new Semaphore(catchingUpMax);
  readonly #views = new Views();
  readonly #closed = new AbortController();
  #open = 0;

  constructor(options: BusStreamsOptions) {
    this.#options = options;
  }

  open(options: StreamOptions): AsyncIterable<StreamItem> {
    const { bus, leastView, streamsMax = 1_000 } = this.#options;
    const wants = topicsMatching(options.topics);
    const after = options.after === undefined ? undefined : positionOf(options.after);
    if (this.#closed.signal.aborted) throw new ManagerError("unavailable", "the manager is being stopped");
    if (this.#open >= streamsMax) {
      const message = `${streamsMax} streams of events are open, and no more are kept at once: close some`;
      throw new ManagerError("resource_exhausted", message, { retryAfterMs: 5_000 });
    }
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    const { snapshot = false, view = leastView } = options;
    return new OneByOne(this.#counted({ after, snapshot, wants, view, signal }, bus.reader(wants)));
  }

  /** Ends every stream, and opens no more. */
  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  async *#counted(asked: Asked, reader: EventReader): Batches {
    using heartbeat = new Heartbeat(this.#options.clock, reader, asked.signal);
    this.#open += 1;
    try {
      yield* this.#begin(asked, reader, heartbeat);
      yield* this.#live(asked, reader, heartbeat);
    } catch (error) {
      if (!asked.signal.aborted) throw fromStoreError(error);
    } finally {
      this.#open -= 1;
    }
  }

  async *#begin(asked: Asked, reader: EventReader, heartbeat: Heartbeat): Batches {
    const { after, snapshot, signal } = asked;
    if (after === undefined) {
      if (snapshot) yield* this.#snapshot(asked, reader, heartbeat);
      // Who is cut off before the first event knows from where to go on.
      else yield [heartbeat.synced(reader.place)];
      return;
    }
    if (signal.aborted) return;
    heartbeat.told(String(after));
    if (reader.covers(after)) reader.goTo(after);
    else yield* this.#catchUp(after, asked, reader, heartbeat);
  }

  async *#live(asked: Asked, reader: EventReader, heartbeat: Heartbeat): Batches {
    const { bus } = this.#options;
    const { signal, view } = asked;
    while (!signal.aborted) {
      const { items, missed } = reader.read();
      if (items.length > 0) {
        heartbeat.toldOf(items);
        yield this.#views.showAll(items, view);
      }
      if (missed !== undefined) {
        if (missed.passing > 0) yield [{ kind: "missed", count: missed.passing }];
        if (missed.stored > 0 && reader.place < bus.floor) yield* this.#catchUp(reader.place, asked, reader, heartbeat);
        continue;
      }
      if (heartbeat.isDue) yield heartbeat.beat(reader.place);
      if (items.length === 0 && !signal.aborted) await reader.news();
    }
  }

  /** What is stored after this revision, until the ring goes on from there. */
  async *#catchUp(after: bigint, asked: Asked, reader: EventReader, heartbeat: Heartbeat): Batches {
    const { bus, registry, clock } = this.#options;
    const { signal, wants, view } = asked;
    const release = await this.#places.acquire(signal);
    const feed = registry.changes(eventfulKinds);
    // When something happened that does not say so itself: not before what is told before it.
    let at: string | undefined;
    try {
      await feed.open(after, signal);
      if (feed.revision < bus.floor) {
        for await (const changes of feed.follow(signal)) {
          const otherwise = at ?? new Date(clock.wallMs()).toISOString();
          const events = storedEvents(changes, otherwise);
          for (const { event } of events) if (event.at !== otherwise && event.at > (at ?? "")) ({ at } = event);
          const told = events.filter(({ event }) => wants.has(event.topic));
          const last = told.length - 1;
          const items = told.map(({ event }, index): ReadEvent =>
            index === last ? { kind: "event", event, position: String(changes.revision) } : { kind: "event", event },
          );
          heartbeat.toldOf(items);
          yield this.#views.showAll(items, view);
          if (heartbeat.isDue) yield heartbeat.beat(changes.revision);
          if (changes.revision >= bus.floor) break;
        }
      }
      reader.goTo(feed.revision);
    } catch (error) {
      if (signal.aborted || !isForgotten(error)) throw error;
      release();
      yield [{ kind: "reset", reason: error instanceof FutureRevisionError ? "unknown-position" : "compacted" }];
      yield* this.#snapshot(asked, reader, heartbeat);
    } finally {
      release();
    }
  }

  async *#snapshot({ signal, view }: Asked, reader: EventReader, heartbeat: Heartbeat): Batches {
    const feed = this.#options.registry.changes([kinds.Server]);
    await feed.open(undefined, signal);
    for (const server of feed.held(kinds.Server)) yield [{ kind: "snapshot", resource: view(server) }];
    reader.goTo(feed.revision);
    yield [heartbeat.synced(feed.revision)];
  }
}

function positionOf(text: string): bigint {
  if (/^(?:0|[1-9][0-9]{0,18})$/.test(text)) return BigInt(text);
  const given = JSON.stringify(text.slice(0, 40));
  const expected = "a position that a stream gave: a whole number";
  throw new ManagerError("invalid_argument", `after: given ${given}, expected ${expected}`, {
    fields: [{ path: "after", given, expected }],
  });
}
