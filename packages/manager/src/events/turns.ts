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

  /** Resolves when it is one's turn; rejects with the signal's reason. `tooLong` hears of it when what was given is not taken. */
  async wait(signal: AbortSignal, tooLong: () => void): Promise<Turn> {
    return new Turn(this.#clock, await this.#places.acquire(signal), tooLong);
  }
}

/** Lasts until it is disposed of. */
export class Turn implements Disposable {
  readonly #clock: Clock;
  readonly #release: Release;
  readonly #tooLong: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, release: Release, tooLong: () => void) {
    this.#clock = clock;
    this.#release = release;
    this.#tooLong = tooLong;
  }

  /** Something is given. */
  given(): void {
    this.#timer = this.#clock.after(patienceMs, this.#tooLong);
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
