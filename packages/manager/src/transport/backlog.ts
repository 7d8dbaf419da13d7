/**
 * Bytes that were handed to callers who asked for a pause: reading stops while there are too many. On a shared pipe a pause holds
 * up everybody, so it is bounded: a caller that has not gone on by its end is waited for no longer, and its bytes are its
 * listener's concern, which has a bound of its own for each caller.
 */
import type { Clock, Timer } from "../base/clock.ts";

export interface BacklogOptions {
  readonly clock: Clock;
  /** Reading stops above this. */
  readonly bytesMax: number;
  /** The longest that reading stops for. */
  readonly pauseMsMax: number;
  pause(): void;
  resume(): void;
}

export class Backlog {
  readonly #options: BacklogOptions;
  readonly #held = new Map<object, number>();
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** `holder` took so many bytes and asked for a pause. */
  hold(holder: object, bytes: number): void {
    this.#held.set(holder, (this.#held.get(holder) ?? 0) + bytes);
    this.#bytes += bytes;
    if (this.#bytes <= this.#options.bytesMax || this.#timer !== undefined) return;
    this.#options.pause();
    this.#timer = this.#options.clock.after(this.#options.pauseMsMax, () => this.clear());
  }

  /** `holder` goes on, or is gone. */
  release(holder: object): void {
    const bytes = this.#held.get(holder);
    if (bytes === undefined) return;
    this.#held.delete(holder);
    this.#bytes -= bytes;
    if (this.#bytes <= this.#options.bytesMax) this.#goOn();
  }

  /** Waits for nobody any more. */
  clear(): void {
    this.#held.clear();
    this.#bytes = 0;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#options.resume();
  }
}
