/**
 * Items that come and go all the time, each in constant cost and without garbage: an array in which the last takes the place of
 * one that goes. Order is not kept. A Set does the same, but each table that it outgrows goes on pointing at its successor, and
 * what lies in an old one survives the young generation: under load a quarter of all processor time went there.
 */

/** What can be in a list, in one at a time. */
export interface Placed {
  /** Its place in the list; -1 when it is in none. Written by the list only. */
  place: number;
}

export class SwapList<Item extends Placed> implements Iterable<Item> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** False when it was in no list. */
  remove(item: Item): boolean {
    const { place } = item;
    if (place < 0) return false;
    item.place = -1;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      last.place = place;
      this.#items[place] = last;
    }
    return true;
  }

  /** Takes all of them out. */
  clear(): void {
    for (const item of this.#items.splice(0)) item.place = -1;
  }

  /** Do not change the list meanwhile: go over a copy. */
  [Symbol.iterator](): Iterator<Item> {
    return this.#items[Symbol.iterator]();
  }
}
