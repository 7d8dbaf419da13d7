/**
 * How amounts are spread, in fixed memory: counts in buckets of which each is a tenth wider than the one before. A quantile comes out
 * within five percent of the amount that it stands for, however many there were. Keeps no amounts.
 */

/** What lies below counts as this; what lies above `most`, as that. */
const least = 0.1;
const most = 1e8;
const growth = 1.1;
const logGrowth = Math.log(growth);
/** From `least` to `most`, and one for what is no more than `least`. */
const size = Math.ceil(Math.log(most / least) / logGrowth) + 1;

/** Of amounts between 0.1 and 100,000,000: durations in milliseconds from less than anybody feels to a day. Under a kilobyte. */
export class LogHistogram {
  readonly #counts = new Uint32Array(size);
  #count = 0;

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** `amount` is zero or more. */
  add(amount: number): void {
    const at = bucketOf(amount);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count++;
  }

  /** The least of the amounts that as large a share as `part` (above 0, up to 1) lie not above; 0 when there were none. */
  quantile(part: number): number {
    const rank = Math.ceil(part * this.#count);
    let seen = 0;
    for (const [at, count] of this.#counts.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return middleOf(at);
    }
    return 0;
  }
}

/** A bucket holds what is above its lower bound, up to its upper one. */
function bucketOf(amount: number): number {
  if (!(amount > least)) return 0;
  return Math.min(size - 1, Math.ceil(Math.log(amount / least) / logGrowth));
}

/** As far from the one bound as from the other, as a ratio: the error is at most the square root of `growth`. */
function middleOf(at: number): number {
  return at === 0 ? least : least * growth ** (at - 0.5);
}
