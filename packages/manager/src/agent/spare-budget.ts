/**
 * How many spare processes this instance keeps in all, and whose: the servers that were used last have them. Starts and ends none
 * itself.
 */

/** A replica's spares. */
export interface SpareHolder {
  /** Ends one, for others; false when there is none that could be. */
  yieldOne(): boolean;
}

export class SpareBudget {
  readonly #max: number;
  /** Holders and what they have, the least recently used first. */
  readonly #held = new Map<SpareHolder, number>();
  #total = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get total(): number {
    return this.#total;
  }

  /** The holder's server was used: it comes before those that were used earlier. */
  used(holder: SpareHolder): void {
    const count = this.#held.get(holder) ?? 0;
    this.#held.delete(holder);
    this.#held.set(holder, count);
  }

  /** Takes a place. `isInUse` takes it from the one that was used least recently when all are taken. */
  claim(holder: SpareHolder, isInUse: boolean): boolean {
    if (this.#total >= this.#max && !(isInUse && this.#takeFromOther(holder))) return false;
    this.#total++;
    this.#held.set(holder, (this.#held.get(holder) ?? 0) + 1);
    return true;
  }

  /** Gives a place back. */
  release(holder: SpareHolder): void {
    this.#total--;
    this.#held.set(holder, (this.#held.get(holder) ?? 1) - 1);
  }

  /** The holder is gone, and has given all back. */
  forget(holder: SpareHolder): void {
    this.#held.delete(holder);
  }

  #takeFromOther(holder: SpareHolder): boolean {
    for (const [other, count] of this.#held) {
      if (other === holder) return false;
      if (count > 0 && other.yieldOne()) return this.#total < this.#max;
    }
    return false;
  }
}
