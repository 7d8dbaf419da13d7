/**
 * How many calls ended lately, and how: ten buckets over the window, turned when somebody looks. It keeps no timer and no events, so
 * what it says is exact to a tenth of the window. However long nobody came, every bucket whose time is over is emptied (libraries that
 * empty one a visit open on failures of an hour ago, reliability.md 2.5).
 */

/** Buckets of a window. */
export const bucketCount = 10;

/** What one bucket counts, and its place in it. */
const calls = 0;
const failures = 1;
const slow = 2;
const lanes = 3;

export class RollingWindow {
  readonly windowMs: number;
  readonly #bucketMs: number;
  readonly #counts = new Uint32Array(bucketCount * lanes);
  readonly #sums = new Uint32Array(lanes);
  /** Number of the bucket that is being filled, counted from the clock's origin, and when its time is over. */
  #bucket: number;
  #bucketEndMs: number;

  /** Both in milliseconds, `nowMs` of a monotonic clock, as everywhere here. */
  constructor(windowMs: number, nowMs: number) {
    this.windowMs = windowMs;
    this.#bucketMs = windowMs / bucketCount;
    this.#bucket = Math.floor(nowMs / this.#bucketMs);
    this.#bucketEndMs = (this.#bucket + 1) * this.#bucketMs;
  }

  /** Counts one call that ended now. */
  add(nowMs: number, isFailure: boolean, isSlow: boolean): void {
    this.#turn(nowMs);
    const place = (this.#bucket % bucketCount) * lanes;
    this.#count(place, calls);
    if (isFailure) this.#count(place, failures);
    if (isSlow) this.#count(place, slow);
  }

  /** Calls that ended within the window. */
  calls(nowMs: number): number {
    return this.#sum(nowMs, calls);
  }

  failures(nowMs: number): number {
    return this.#sum(nowMs, failures);
  }

  slow(nowMs: number): number {
    return this.#sum(nowMs, slow);
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.fill(0);
    this.#sums.fill(0);
  }

  #count(place: number, lane: number): void {
    this.#counts[place + lane] = (this.#counts[place + lane] ?? 0) + 1;
    this.#sums[lane] = (this.#sums[lane] ?? 0) + 1;
  }

  #sum(nowMs: number, lane: number): number {
    this.#turn(nowMs);
    return this.#sums[lane] ?? 0;
  }

  /** Makes the bucket of `nowMs` the one that is filled, and empties those whose time came round again meanwhile. */
  #turn(nowMs: number): void {
    if (nowMs < this.#bucketEndMs) return;
    const bucket = Math.floor(nowMs / this.#bucketMs);
    const elapsed = Math.min(bucket - this.#bucket, bucketCount);
    for (let i = 0; i < elapsed; i++) this.#empty((bucket - i) % bucketCount);
    this.#bucket = bucket;
    this.#bucketEndMs = (bucket + 1) * this.#bucketMs;
  }

  #empty(index: number): void {
    for (let lane = 0; lane < lanes; lane++) {
      const place = index * lanes + lane;
      this.#sums[lane] = (this.#sums[lane] ?? 0) - (this.#counts[place] ?? 0);
      this.#counts[place] = 0;
    }
  }
}
