/**
 * What happens, as one stream that outlives its connections: after a cut it goes on from where it was, so that every stored event is
 * told once and in order. Runs in browsers and in Node.
 */
import type { Event, StreamItem } from "@mcp-manager/api";
import { eventStreamType, lastEventId, ManagerError } from "@mcp-manager/api";
import { type ClientClock, sleep } from "./clock.ts";
import { type CallOptions, type Connection, queryOf } from "./connection.ts";
import { type Listening, readEvents, type StreamEvent } from "./events.ts";

/** What to hear of. */
export interface WatchOptions extends CallOptions {
  /** Patterns of topics: `server.*`, `#`. Default: everything. */
  readonly topics?: readonly string[];
  /** The position of an item, to go on after it. Default: now. */
  readonly after?: string;
  /** Begin with every server as it is, unless `after` is given. */
  readonly snapshot?: boolean;
  /** Hears of each cut, before it is connected again; `afterMs` is how long that waits. */
  readonly onCut?: (error: ManagerError, afterMs: number) => void;
}

/** A manager that is there says something at least every 15 s. */
const silenceMs = 45_000;
const never = new AbortController().signal;
const pauseMs = { base: 250, cap: 10_000 };

/** What happens. */
export class EventCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Everything that happens from now on, or after a position, for as long as the loop goes on: a connection that is cut is made again.
   * Ends, quietly, by the signal. Rejects when the manager cannot be reached at the beginning, or refuses to answer.
   */
  async *watch(options: WatchOptions = {}): AsyncGenerator<StreamItem, void, undefined> {
    const { signal, onCut } = options;
    const { clock, random } = this.#connection;
    let position = options.after;
    let hasBegun = false;
    let failures = 0;
    while (!isOver(signal)) {
      try {
        const response = await this.#connect(options, position);
        hasBegun = true;
        for await (const item of whole(response)) {
          failures = 0;
          if ("position" in item && item.position !== undefined) ({ position } = item);
          yield item;
        }
        throw new ManagerError("unavailable", "the manager ended the stream of events");
      } catch (error) {
        if (isOver(signal)) return;
        const failure = ManagerError.from(error);
        if (!hasBegun || !isPassing(failure)) throw failure;
        const longestMs = Math.min(pauseMs.cap, pauseMs.base * 2 ** failures);
        const afterMs = Math.max(failure.retryAfterMs ?? 0, longestMs * (0.5 + random() / 2));
        failures += 1;
        onCut?.(failure, afterMs);
        await sleep(clock, afterMs, signal ?? never).catch(() => undefined);
      }
    }
  }

  /** One connection's items, once it is there. */
  async #connect(options: WatchOptions, position: string | undefined): Promise<AsyncIterable<StreamItem>> {
    const { topics = [], snapshot, signal, timeoutMs } = options;
    const query = queryOf({ topics: topics.length === 0 ? undefined : topics.join(","), snapshot, after: position });
    const silence = new Silence(this.#connection.clock, signal);
    silence.begin();
    try {
      const { body } = await this.#connection.send({
        method: "GET",
        path: `/api/v1/events${query}`,
        retries: 0,
        headers: { accept: eventStreamType, ...(position === undefined ? {} : { [lastEventId]: position }) },
        signal: silence.signal,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      return itemsOf(body, silence);
    } finally {
      silence.end();
    }
  }
}

/** Breaks a connection on which nothing has come for long while somebody listened. */
class Silence implements Listening {
  /** Aborts then, or by whoever reads. */
  readonly signal: AbortSignal;
  readonly #broken = new AbortController();
  readonly #clock: ClientClock;
  #timer: ReturnType<ClientClock["after"]> | undefined;

  constructor(clock: ClientClock, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.signal = signal === undefined ? this.#broken.signal : AbortSignal.any([signal, this.#broken.signal]);
  }

  begin(): void {
    const message = `the manager said nothing for ${silenceMs / 1_000} s`;
    this.#timer = this.#clock.after(silenceMs, () => this.#broken.abort(new ManagerError("unavailable", message)));
  }

  end(): void {
    this.#timer?.cancel();
  }
}

async function* itemsOf(
  body: ReadableStream<Uint8Array> | null,
  silence: Silence,
): AsyncGenerator<StreamItem, void, undefined> {
  try {
    if (body !== null) for await (const event of readEvents(body, silence)) yield itemOf(event);
  } finally {
    silence.end();
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Whether it may be otherwise the next time. */
function isPassing({ code }: ManagerError): boolean {
  return ["unavailable", "resource_exhausted", "deadline_exceeded", "internal"].includes(code);
}

/** Events of one store revision are told when all of them are there: after a cut they come again. */
async function* whole(items: AsyncIterable<StreamItem>): AsyncGenerator<StreamItem, void, undefined> {
  let held: StreamItem[] = [];
  for await (const item of items) {
    if (item.kind === "event" && item.event.revision !== undefined && item.position === undefined) {
      held.push(item);
      continue;
    }
    yield* held;
    held = [];
    yield item;
  }
}

function itemOf({ type, data, id }: StreamEvent): StreamItem {
  if (data === undefined) return { kind: "synced", position: id ?? "" };
  const content = JSON.parse(data) as Readonly<Record<string, unknown>>;
  if (["missed", "reset", "snapshot", "synced"].includes(type)) return { ...content, kind: type } as StreamItem;
  const event = content as unknown as Event;
  return id === undefined ? { kind: "event", event } : { kind: "event", event, position: id };
}
