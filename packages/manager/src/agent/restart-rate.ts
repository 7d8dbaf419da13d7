/** How fast replicas of one instance are started again: however many end at once, so many a second. First starts are not counted. */
import type { Clock } from "../base/clock.ts";

/** 10 a second (reliability.md §4.2). */
const apartMs = 100;

export class RestartRate {
  readonly #clock: Clock;
  #nextMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is this one's turn; rejects with the signal's reason when it is aborted before. */
  async turn(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const dueMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = dueMs + apartMs;
    if (dueMs > nowMs) await this.#clock.sleep(dueMs - nowMs, signal);
  }
}
