/**
 * The time that calls in flight get when a connection closes: over when they have ended, or when the time is up. Asked again, it can
 * only become shorter.
 */
import type { Clock, Timer } from "../base/clock.ts";

export class Drain {
  /** Resolves when nothing is waited for any more. */
  readonly over: Promise<void>;
  readonly #clock: Clock;
  #untilMs = Infinity;
  #timer: Timer | undefined;
  #resolve: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** At most so long from now; nothing when it is to be over sooner already. */
  within(graceMs: number): void {
    const untilMs = this.#clock.nowMs() + graceMs;
    if (untilMs >= this.#untilMs) return;
    this.#untilMs = untilMs;
    this.#timer?.cancel();
    if (graceMs <= 0) this.end();
    else this.#timer = this.#clock.after(graceMs, () => this.end());
  }

  /** Nothing is in flight any more. */
  end(): void {
    this.#timer?.cancel();
    this.#resolve();
  }
}
