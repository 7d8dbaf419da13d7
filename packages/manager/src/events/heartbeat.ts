/** What moves a reader's position while nothing is said that it asked for. It tells nothing that was told already. */
import type { StreamItem } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import type { EventReader, ReadEvent } from "./event-reader.ts";

const beatMs = 15_000;

/** The heartbeat of one stream: wakes its reader when it is due, and when the stream is over. */
export class Heartbeat implements Disposable {
  readonly #clock: Clock;
  readonly #reader: EventReader;
  readonly #signal: AbortSignal;
  readonly #wake: () => void;
  #timer: Timer;
  #isDue = false;
  #told = "";

  constructor(clock: Clock, reader: EventReader, signal: AbortSignal) {
    this.#clock = clock;
    this.#reader = reader;
    this.#signal = signal;
    this.#wake = () => reader.wake();
    signal.addEventListener("abort", this.#wake, { once: true });
    this.#timer = this.#next();
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** The reader has this position, or will have it with what it is just told; positions grow. */
  told(position: string): void {
    this.#told = position;
  }

  /** The same of events, the last of which with a position says it. */
  toldOf(items: readonly ReadEvent[]): void {
    const last = items.findLast(({ position }) => position !== undefined)?.position;
    if (last !== undefined) this.#told = last;
  }

  /** Tells the position, whatever was told. */
  synced(position: bigint): StreamItem {
    this.#told = String(position);
    return { kind: "synced", position: this.#told };
  }

  /** The position, when it is news. */
  beat(position: bigint): readonly StreamItem[] {
    this.#isDue = false;
    return String(position) === this.#told ? [] : [this.synced(position)];
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
    this.#signal.removeEventListener("abort", this.#wake);
  }

  #next(): Timer {
    return this.#clock.after(beatMs, () => {
      this.#isDue = true;
      this.#reader.wake();
      this.#timer = this.#next();
    });
  }
}
