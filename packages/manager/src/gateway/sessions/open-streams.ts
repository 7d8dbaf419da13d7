/**
 * The streams on which the clients of all sessions listen: keeps the idle ones from being taken for dead, ends them when the door
 * closes, and bounds what the logs of all sessions hold together. One timer for all: thousands are open.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { shortId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { type Placed, SwapList } from "../../base/swap-list.ts";
import type { CounterChild, Metrics } from "../../telemetry/metrics.ts";
import type { EventMemory } from "./event-log.ts";

/** A stream on which a client listens. */
export interface OpenStream extends Placed {
  /** Which of the rounds it is in; written by `OpenStreams` only. */
  round: number;
  keepAlive(): void;
  /** Ends the connection; the client may come back. */
  hangUp(): void;
}

export interface OpenStreamsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Where the number of open streams and of dropped messages is shown. */
  readonly metrics?: Metrics;
}

/** Every stream gets its comment once in so many ticks of a second: they are spread, so that no tick writes to all. */
const rounds = 15;
const tickMs = 1_000;
/** What all logs together keep for clients that come back. One log alone is bounded to 256 KiB, which ten thousand would fill. */
const memoryBytesMax = 64 * 1024 * 1024;

export class OpenStreams implements EventMemory, Disposable {
  bytes = 0;
  readonly bytesMax: number = memoryBytesMax;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #dropped: CounterChild | undefined;
  readonly #rounds: readonly SwapList<OpenStream>[] = Array.from({ length: rounds }, () => new SwapList());
  #count = 0;
  /** The round of the next tick, and the one that the next stream is put into. */
  #due = 0;
  #next = 0;
  #timer: Timer | undefined;
  #isEnded = false;

  constructor({ clock, random, metrics }: OpenStreamsOptions) {
    this.#clock = clock;
    this.#random = random;
    if (metrics === undefined) return;
    const help = "Messages for legacy clients that were forgotten before a connection took them.";
    this.#dropped = metrics.counter("mcp_manager_stream_messages_dropped_total", help).child();
    const open = metrics.gauge("mcp_manager_streams", "Open streams on which legacy clients listen.").child();
    metrics.onScrape(() => open.set(this.#count));
  }

  /** Whether no further stream may be opened. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  onDropped(): void {
    this.#dropped?.inc();
  }

  /** A name for one life of a session; no two are alike. */
  newLife(): string {
    return shortId(this.#random, 8);
  }

  add(stream: OpenStream): void {
    stream.round = this.#next;
    this.#next = (this.#next + 1) % rounds;
    this.#rounds[stream.round]?.add(stream);
    this.#count++;
    this.#arm();
  }

  remove(stream: OpenStream): void {
    if (this.#rounds[stream.round]?.remove(stream) !== true) return;
    this.#count--;
    if (this.#count === 0) this.#disarm();
  }

  /** Ends every stream, and opens none any more: the door closes, and waits for whoever is still served. */
  endAll(): void {
    this.#isEnded = true;
    for (const round of this.#rounds) for (const stream of [...round]) stream.hangUp();
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#disarm();
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(tickMs, () => {
      this.#timer = undefined;
      for (const stream of [...(this.#rounds[this.#due] ?? [])]) stream.keepAlive();
      this.#due = (this.#due + 1) % rounds;
      if (this.#count > 0) this.#arm();
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
