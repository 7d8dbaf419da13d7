/**
 * Publishes what follows from the store's changes, in their order and as they come. It outlives a store that is away, and one that
 * has forgotten its place: then what is different is told as one change.
 */
import type { ManagerError } from "@mcp-manager/api";
import { type BackoffRule, backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type ChangeFeed, isForgotten, type RevisionChanges } from "../registry/change-feed.ts";
import type { Registry } from "../registry/registry.ts";
import { fromStoreError } from "../registry/store-error.ts";
import type { EventBus, StoredEvent } from "./bus.ts";
import { eventfulKinds, eventsOf, inOrder } from "./events-of.ts";

export interface StoreEventsOptions {
  readonly registry: Pick<Registry, "changes">;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of a store that is away. */
  readonly onError?: (error: ManagerError) => void;
}

const backoff: BackoffRule = { baseMs: 200, capMs: 10_000 };

/** The events of one revision, each with about the memory that it holds. `at` is when, where nothing says it better. */
export function storedEvents({ revision, changes }: RevisionChanges, at: string): readonly StoredEvent[] {
  return inOrder(changes).flatMap((change) => {
    // An object and two texts of it, for those who see all and for the others.
    const bytesOf = (isFull: boolean): number => (isFull ? change.bytes * 3 : 0);
    return eventsOf(change, revision, at).map((event) => ({ event, bytes: bytesOf(event.resource !== undefined) }));
  });
}

export class StoreEvents implements AsyncDisposable {
  readonly #options: StoreEventsOptions;
  readonly #feed: ChangeFeed;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: StoreEventsOptions) {
    this.#options = options;
    this.#feed = options.registry.changes(eventfulKinds);
  }

  /** Resolves when every change from then on will be published. Rejects with ManagerError when the store is away. */
  async start(): Promise<void> {
    try {
      await this.#feed.open();
    } catch (error) {
      throw fromStoreError(error);
    }
    this.#options.bus.begin(this.#feed.revision);
    this.#running = this.#run(this.#stop.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random, onError } = this.#options;
    let isLost = false;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (isLost) this.#publish(await this.#feed.reopen(signal));
        isLost = false;
        for await (const changes of this.#feed.follow(signal)) {
          this.#publish(changes);
          failures = 0;
        }
        return; // by the signal, or because the store was closed
      } catch (error) {
        if (signal.aborted) return;
        isLost = isForgotten(error);
        onError?.(fromStoreError(error));
        await clock.sleep(backoffMs(backoff, failures, random), signal).catch(() => undefined);
        failures += 1;
      }
    }
  }

  #publish(changes: RevisionChanges): void {
    const { bus, clock } = this.#options;
    bus.publishStored(changes.revision, storedEvents(changes, new Date(clock.wallMs()).toISOString()));
  }
}
