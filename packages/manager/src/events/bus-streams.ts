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
import { isForgotten } from "../registry/change-feed.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import { fromStoreError } from "../registry/store-error.ts";
import { FutureRevisionError } from "../store/store.ts";
import type { EventBus, StoredEvent } from "./bus.ts";
import type { EventReader, ReadEvent } from "./event-reader.ts";
import { OneByOne } from "./one-by-one.ts";
import { eventfulKinds } from "./events-of.ts";
import { storedEvents } from "./store-events.ts";
import type { EventStreams, StreamOptions, View } from "./stream.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Turns } from "./turns.ts";
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

/** What is there at once, in order. */
type Batches = AsyncGenerator<readonly StreamItem[], void, undefined>;

/** What a stream was opened with, checked. */
interface Asked {
  readonly after: bigint | undefined;
  readonly snapshot: boolean;
  readonly wants: ReadonlySet<string>;
  readonly view: View;
  readonly signal: AbortSignal;
  /** Ends the stream, also where nobody takes what it gave last. */
  readonly end: () => void;
}

export class BusStreams implements EventStreams, Disposable {
  readonly #options: BusStreamsOptions;
  readonly #turns: Turns;
  readonly #views = new Views();
  readonly #closed = new AbortController();
  #open = 0;

  constructor(options: BusStreamsOptions) {
    this.#options = options;
    this.#turns = new Turns(options.clock);
  }

  open(options: StreamOptions): AsyncIterable<StreamItem> {
    const { bus, leastView } = this.#options;
    const wants = topicsMatching(options.topics);
    const after = options.after === undefined ? undefined : positionOf(options.after);
    if (this.#closed.signal.aborted) throw new ManagerError("unavailable", "the manager is being stopped");
    this.#demandRoom();
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    const { snapshot = false, view = leastView } = options;
    const end = (): void => void batches.return().catch(() => undefined);
    const batches: Batches = this.#counted({ after, snapshot, wants, view, signal, end }, bus.reader(wants));
    return new OneByOne(batches);
  }

  /** Ends every stream, and opens no more. */
  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  #demandRoom(): void {
    const { streamsMax = 1_000 } = this.#options;
    if (this.#open < streamsMax) return;
    const message = `${streamsMax} streams of events are open, and no more are kept at once: close some`;
    throw new ManagerError("resource_exhausted", message, { retryAfterMs: 5_000 });
  }

  async *#counted(asked: Asked, reader: EventReader): Batches {
    // Others may have begun since it was opened.
    this.#demandRoom();
    using heartbeat = new Heartbeat(this.#options.clock, reader, asked.signal);
    asked.signal.addEventListener("abort", asked.end, { once: true });
    this.#open += 1;
    try {
      yield* this.#begin(asked, reader, heartbeat);
      yield* this.#live(asked, reader, heartbeat);
    } catch (error) {
      if (!asked.signal.aborted) throw fromStoreError(error);
    } finally {
      asked.signal.removeEventListener("abort", asked.end);
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
    try {
      yield* this.#fromStore(after, asked, reader, heartbeat);
    } catch (error) {
      if (asked.signal.aborted || !isForgotten(error)) throw error;
      yield [{ kind: "reset", reason: error instanceof FutureRevisionError ? "unknown-position" : "compacted" }];
      yield* this.#snapshot(asked, reader, heartbeat);
    }
  }

  /** A reader that takes nothing for long has to wait for another turn, and goes on where it was. */
  async *#fromStore(after: bigint, asked: Asked, reader: EventReader, heartbeat: Heartbeat): Batches {
    const { bus, registry, clock } = this.#options;
    const { signal, wants, view } = asked;
    // When something happened that does not say so itself: not before what is told before it.
    let at: string | undefined;
    let place = after;
    do {
      const feed = registry.changes(eventfulKinds);
      using turn = await this.#turns.wait(signal, () => feed.forget());
      await feed.open(place, signal);
      place = feed.revision;
      if (place >= bus.floor) break;
      for await (const { revision, changes } of feed.follow(turn.signal)) {
        const otherwise = at ?? new Date(clock.wallMs()).toISOString();
        const events = storedEvents({ revision, changes }, otherwise);
        for (const { event } of events) if (event.at !== otherwise && event.at > (at ?? "")) ({ at } = event);
        const items = toldOf(
          events.filter(({ event }) => wants.has(event.topic)),
          revision,
        );
        heartbeat.toldOf(items);
        turn.given();
        yield this.#views.showAll(items, view);
        if (heartbeat.isDue) yield heartbeat.beat(revision);
        turn.taken();
        place = revision;
        if (place >= bus.floor || turn.signal.aborted) break;
      }
      // The ring may have gone on while the feed was being left.
    } while (place < bus.floor && !signal.aborted);
    reader.goTo(place);
  }

  async *#snapshot({ signal, view, end }: Asked, reader: EventReader, heartbeat: Heartbeat): Batches {
    using turn = await this.#turns.wait(signal, end);
    const feed = this.#options.registry.changes([kinds.Server]);
    await feed.open(undefined, signal);
    for (const server of feed.held(kinds.Server)) {
      turn.given();
      yield [{ kind: "snapshot", resource: view(server) }];
      turn.taken();
    }
    reader.goTo(feed.revision);
    yield [heartbeat.synced(feed.revision)];
  }
}

/** As a reader is told of one store revision. */
function toldOf(events: readonly StoredEvent[], revision: bigint): readonly ReadEvent[] {
  const last = events.length - 1;
  return events.map(({ event }, index): ReadEvent =>
    index === last ? { kind: "event", event, position: String(revision) } : { kind: "event", event },
  );
}

function positionOf(text: string): bigint {
  if (/^(?:0|[1-9][0-9]{0,18})$/.test(text)) return BigInt(text);
  const given = JSON.stringify(text.slice(0, 40));
  const expected = "a position that a stream gave: a whole number";
  throw new ManagerError("invalid_argument", `after: given ${given}, expected ${expected}`, {
    fields: [{ path: "after", given, expected }],
  });
}
