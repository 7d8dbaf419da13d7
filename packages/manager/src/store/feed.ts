/**
 * Watches over a log in this process. A watcher is a reader of the log with a place of its own: after each commit it is told
 * that there is something to read, never what. So a slow one lags and reads on later; nothing is buffered but the batch in
 * its hand.
 */
import type { Clock } from "../base/clock.ts";
import { checkRange, inRange } from "./key.ts";
import type { Committed, EventBatch } from "./mvcc.ts";
import type { Range, StoreRevision, WatchItem, WatchOptions } from "./store.ts";
import { LimitError } from "./store.ts";

/** Reads changes from the log; see `Mvcc.events`. */
export type ReadEvents = (
  range: Range,
  from: StoreRevision,
  eventsMax: number,
  prevKv: boolean,
) => EventBatch | Promise<EventBatch>;

/** What a feed is made with. */
export interface FeedOptions {
  readonly clock: Clock;
  readonly read: ReadEvents;
  /** The newest revision at the start. */
  readonly revision: StoreRevision;
}

const eventsMaxDefault = 1000;
/** Half of the 10 s within which an idle watcher must hear something. */
const idleMs = 5000;

/** Everybody who watches one store. */
export class Feed {
  readonly #clock: Clock;
  readonly #read: ReadEvents;
  readonly #watchers = new Set<Watcher>();
  #revision: StoreRevision;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#clock = options.clock;
    this.#read = options.read;
    this.#revision = options.revision;
  }

  /** Tells the watchers about a commit; commits come in order. */
  publish(committed: Committed): void {
    if (committed.keys.length === 0) return;
    this.#revision = committed.revision;
    for (const watcher of this.#watchers) watcher.hear(committed);
  }

  /** Ends every watch quietly. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.end();
  }

  async *watch(range: Range, options: WatchOptions): AsyncGenerator<WatchItem, void, undefined> {
    checkWatch(range, options);
    if (this.#closed || options.signal?.aborted === true) return;
    const watcher = new Watcher(range, options.from);
    const onAbort = (): void => watcher.end();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    this.#watchers.add(watcher);
    try {
      yield* this.#items(watcher, options);
    } finally {
      this.#watchers.delete(watcher);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  async *#items(watcher: Watcher, options: WatchOptions): AsyncGenerator<WatchItem, void, undefined> {
    const eventsMax = options.maxBuffered ?? eventsMaxDefault;
    while (!watcher.ended) {
      const batch = await this.#read(watcher.range, watcher.next, eventsMax, options.prevKv === true);
      for (const item of batch.items) {
        if (watcher.ended) return;
        yield { kind: "events", ...item };
      }
      if (batch.through >= watcher.next) watcher.next = batch.through + 1n;
      watcher.caughtUp = watcher.next > this.#revision;
      while (watcher.caughtUp && !watcher.ended) {
        if (await watcher.wait(this.#clock)) continue;
        if (!watcher.ended) yield { kind: "progress", revision: this.#reached(watcher) };
      }
    }
  }

  /** What the watcher has seen everything of: a place before a revision that does not exist yet is no progress. */
  #reached(watcher: Watcher): StoreRevision {
    const before = watcher.next - 1n;
    return before < this.#revision ? before : this.#revision;
  }
}

/** One reader's place in the log. */
class Watcher {
  readonly range: Range;
  /** The next revision to read. */
  next: StoreRevision;
  /** Nothing to read up to the newest revision; false wakes it to read. */
  caughtUp = false;
  ended = false;
  #wake: (() => void) | undefined;

  constructor(range: Range, from: StoreRevision) {
    this.range = range;
    this.next = from;
  }

  /** A commit that touches nothing in the range moves the place on without a read. */
  hear(committed: Committed): void {
    if (!this.caughtUp || committed.revision < this.next) return;
    if (committed.revision === this.next && !committed.keys.some((key) => inRange(this.range, key))) {
      this.next += 1n;
      return;
    }
    this.caughtUp = false;
    this.#wake?.();
  }

  end(): void {
    this.ended = true;
    this.#wake?.();
  }

  /** True when woken, false when idle for long. */
  async wait(clock: Clock): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = clock.after(idleMs, () => resolve(false));
    this.#wake = () => resolve(true);
    const woken = await promise;
    timer.cancel();
    this.#wake = undefined;
    return woken;
  }
}

function checkWatch(range: Range, options: WatchOptions): void {
  checkRange(range);
  if (options.from < 1n) throw new LimitError(`a watch begins at revision 1 or later, not at ${options.from}`);
  const eventsMax = options.maxBuffered;
  if (eventsMax !== undefined && (!Number.isSafeInteger(eventsMax) || eventsMax < 1)) {
    throw new LimitError(`maxBuffered ${eventsMax} is not a whole number of at least 1`);
  }
}
