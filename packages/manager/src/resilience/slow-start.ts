/**
 * A replica that has just started, or comes back after it was put aside, gets its share of the calls little by little: from a tenth
 * to all of it within 30 s (HAProxy's `slowstart`). What starts cold, or was ill, is not hit with everything at once.
 */
const overMs = 30_000;
const leastWeight = 0.1;

export class SlowStart {
  /** Since when, for those that are not at their full share yet. */
  readonly #since = new Map<string, number>();

  begin(replica: string, nowMs: number): void {
    this.#since.set(replica, nowMs);
  }

  forget(replica: string): void {
    this.#since.delete(replica);
  }

  /** Whether all are at their full share, as far as is known; then nobody need ask. */
  get isOver(): boolean {
    return this.#since.size === 0;
  }

  /** Between 0.1 and 1. */
  weight(replica: string, nowMs: number): number {
    const sinceMs = this.#since.get(replica);
    if (sinceMs === undefined) return 1;
    const part = (nowMs - sinceMs) / overMs;
    if (part >= 1) this.#since.delete(replica);
    return Math.min(1, leastWeight + (1 - leastWeight) * part);
  }
}
