/**
 * The calls that wait for a connection of a lease pool, in order of arrival, and whose turn it is while there are too few: a
 * principal that has its share of the places stands back for those who have less. Lends nothing.
 */
import type { LeaseWaiter } from "./lease-waiter.ts";
import type { ProfileShelf } from "./profile-shelf.ts";

/** A call that waits for a connection of its profile. */
export type ShelfWaiter = LeaseWaiter<ProfileShelf>;

export class WaitingLine {
  /** In order of arrival. */
  readonly #all: ShelfWaiter[] = [];

  get length(): number {
    return this.#all.length;
  }

  get all(): readonly ShelfWaiter[] {
    return this.#all;
  }

  add(waiter: ShelfWaiter): void {
    this.#all.push(waiter);
    waiter.place.waiting++;
  }

  remove(waiter: ShelfWaiter): void {
    this.#all.splice(this.#all.indexOf(waiter), 1);
    waiter.place.waiting--;
  }

  /** Takes all out. */
  clear(): readonly ShelfWaiter[] {
    for (const { place } of this.#all) place.waiting--;
    return this.#all.splice(0);
  }

  /**
   * Those whose turn it is, in order: who has less than `share`, the places counted that are wanted before. Everybody when that is
   * nobody, and where only one principal waits.
   */
  inTurn(share: number, placesOf: () => Map<string, number>): readonly ShelfWaiter[] {
    const [first] = this.#all;
    if (first === undefined || this.#all.every(({ request }) => request.principal === first.request.principal))
      return [...this.#all];
    const places = placesOf();
    const within = this.#all.filter(({ request: { principal } }) => {
      const taken = places.get(principal) ?? 0;
      places.set(principal, taken + 1);
      return taken < share;
    });
    return within.length > 0 ? within : [...this.#all];
  }
}
