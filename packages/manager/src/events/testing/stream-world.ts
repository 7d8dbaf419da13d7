/** A registry in memory with everything that events come from and go through, for tests. */
import { setImmediate } from "node:timers/promises";
import type { Server, StreamItem } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { kinds } from "../../registry/kinds.ts";
import { Registry } from "../../registry/registry.ts";
import { serverDraft } from "../../registry/testing/drafts.ts";
import { openMemoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import { EventBus } from "../bus.ts";
import { BusStreams } from "../bus-streams.ts";
import { StoreEvents } from "../store-events.ts";
import type { StreamOptions } from "../stream.ts";

export interface StreamWorld extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly bus: EventBus;
  readonly streams: BusStreams;
  /** Makes the server, or moves it to its other state; the position of that. */
  change(server?: string): Promise<string>;
  say(message: string): void;
  /** Until the bus has everything. */
  settled(): Promise<void>;
  /** A reader of what a stream yields. */
  open(options?: Partial<StreamOptions>): StreamHand;
}

export async function openStreamWorld(
  options: { readonly capacity?: number; readonly streamsMax?: number } = {},
): Promise<StreamWorld> {
  const clock = new ManualClock();
  const store = await openMemoryStore({ clock, random: seededRandom(1) });
  const registry = new Registry({ store, clock, random: seededRandom(2) });
  const { capacity = 10_000, ...rest } = options;
  const bus = new EventBus({ clock, capacity });
  const storeEvents = new StoreEvents({ registry, bus, clock, random: seededRandom(3) });
  await storeEvents.start();
  const leastView = (server: Server): Server => ({
    ...server,
    metadata: { ...server.metadata, labels: { seen: "by" } },
  });
  const streams = new BusStreams({ bus, registry, clock, leastView, ...rest });
  const servers = registry.resources(kinds.Server);
  const settled = async (): Promise<void> => {
    const { revision } = await store.status();
    while (bus.revision < revision) await setImmediate();
  };
  return {
    store,
    clock,
    bus,
    streams,
    async change(name = "weather") {
      const known = await servers.get(name);
      if (known === undefined) await servers.create(serverDraft(name));
      else
        await servers.updateStatus(name, ({ status }) => ({
          ...status,
          state: status.state === "ready" ? "idle" : "ready",
        }));
      return String((await store.status()).revision);
    },
    say: (message) => bus.publish({ topic: "breaker.state", message, severity: "info" }),
    settled,
    open: (asked?: Partial<StreamOptions>) => new StreamHand(streams, asked),
    async [Symbol.asyncDispose]() {
      streams[Symbol.dispose]();
      await storeEvents[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

/** Reads a stream by hand. */
export class StreamHand {
  readonly #stop = new AbortController();
  readonly #items: AsyncIterator<StreamItem>;
  #next: Promise<IteratorResult<StreamItem>> | undefined;

  constructor(streams: BusStreams, options: Partial<StreamOptions> = {}) {
    const { topics = ["*"], ...rest } = options;
    this.#items = streams.open({ topics, signal: this.#stop.signal, ...rest })[Symbol.asyncIterator]();
  }

  /** What is there by now, each in words; `end` when it is over. */
  async read(atMost: number = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
    const read: string[] = [];
    while (read.length < atMost) {
      const found = await Promise.race([(this.#next ??= this.#items.next()), quiet()]);
      if (found === "quiet") return read;
      this.#next = undefined;
      read.push(found.done === true ? "end" : inWords(found.value));
      if (found.done === true) return read;
    }
    return read;
  }

  /** Ends it, as a reader does that goes away. */
  leave(): void {
    this.#stop.abort();
  }
}

async function quiet(): Promise<"quiet"> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  return "quiet";
}

function inWords(item: StreamItem): string {
  switch (item.kind) {
    case "event": {
      const { topic, revision, message, server = "" } = item.event;
      const what = revision === undefined ? message : `${topic} ${server} ${revision}`;
      return item.position === undefined ? what : `${what} @${item.position}`;
    }
    case "missed":
      return `missed ${item.count}`;
    case "reset":
      return `reset ${item.reason}`;
    case "snapshot":
      return `snapshot ${item.resource.metadata.name} ${item.resource.status.state}`;
    case "synced":
      return `synced @${item.position}`;
  }
}
