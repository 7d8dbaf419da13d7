/**
 * How long calls of one server usually take: their median, from counts by powers of two. Exact to within its power of two, which is
 * enough to tell a call that has no chance from one that has; costs an addition a call, and forgets as new ones come.
 */
/** 2^20 ms are seventeen minutes; what takes longer counts as that. */
const powers = 21;
/** When so many were counted, all counts are halved: the last few hundred calls decide. */
const countMax = 512;
/** With fewer there is no saying what is usual. */
const countMin = 10;

export class UsualDuration {
  /** At `i`: calls that took from 2^i - 1 ms to below 2^(i + 1) - 1 ms. */
  readonly #counts = new Uint16Array(powers);
  #count = 0;

  add(tookMs: number): void {
    const power = Math.min(powers - 1, 31 - Math.clz32(Math.max(0, tookMs) + 1));
    this.#counts[power] = (this.#counts[power] ?? 0) + 1;
    this.#count++;
    if (this.#count >= countMax) this.#halve();
  }

  /** Milliseconds; 0 while too few were counted. Between the ends of a power the calls are taken to be spread evenly. */
  get medianMs(): number {
    if (this.#count < countMin) return 0;
    let left = this.#count / 2;
    for (let power = 0; power < powers; power++) {
      const here = this.#counts[power] ?? 0;
      if (here >= left) return 2 ** power * (1 + left / here) - 1;
      left -= here;
    }
    return 0;
  }

  #halve(): void {
    this.#count = 0;
    for (let power = 0; power < powers; power++) this.#count += this.#counts[power] = (this.#counts[power] ?? 0) >> 1;
  }
}
