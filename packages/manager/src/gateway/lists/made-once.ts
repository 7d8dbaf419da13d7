/**
 * What is worked out of the lists and the routing table for all who see the same, once until either changes. Few see anything else than
 * everybody does, and only while a deployment is under way: beyond a bound all of it is forgotten and begins anew.
 */
export class MadeOnce<V> {
  readonly #made = new Map<string, V>();
  #stamp = "";

  /** What was made under this key since the stamp is what it is; made now, when nothing was. */
  get(stamp: string, key: string, make: () => V): V {
    if (this.#stamp !== stamp || this.#made.size > madeMax) {
      this.#stamp = stamp;
      this.#made.clear();
    }
    let made = this.#made.get(key);
    if (made === undefined) this.#made.set(key, (made = make()));
    return made;
  }
}

const madeMax = 32;
