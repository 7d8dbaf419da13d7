/**
 * Whose turn it is to read from the store: few at a time, since each holds what there was at its place. Whoever takes nothing of what it
 * is given keeps the others waiting only so long. What is read is not its concern.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type Release, Semaphore } from "../base/semaphore.ts";

const turnsMax = 8;
/** For one batch. */
const patienceMs = 60_000;

export class Turns {
  readonly #clock: Clock;
  readonly #places = new Semaphore(turnsMax);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is one's turn; rejects with the signal's reason. `onOver` hears of a turn that ends because nothing is taken. */
  async wait(signal: AbortSignal, onOver: () => void): Promise<Turn> {
    return new Turn(this.#clock, await this.#places.acquire(signal), signal, onOver);
  }
}

/** Lasts until it is disposed of, or over. */
export class Turn implements Disposable {
  /** Aborts with the one that was waited with, or when the turn is over. */
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #release: Release;
  readonly #onOver: () => void;
  readonly #over = new AbortController();
  #timer: Timer | undefined;

  constructor(clock: Clock, release: Release, signal: AbortSignal, onOver: () => void) {
    this.#clock = clock;
    this.#release = release;
    this.#onOver = onOver;
    this.signal = AbortSignal.any([signal, this.#over.signal]);
  }

  /** Something is given. */
  given(): void {
    this.#timer = this.#clock.after(patienceMs, () => {
      this.#over.abort();
      this.#onOver();
      this.#release();
    });
  }

  /** It was taken. */
  taken(): void {
    this.#timer?.cancel();
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#release();
  }
}
