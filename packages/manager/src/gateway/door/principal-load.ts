/** How many requests each principal has open, so that one cannot take the whole door. A look-up per request, and two additions. */
import type { Principal } from "../../security/principal.ts";

/** The requests of one principal that are open, streams included. */
export class PrincipalLoad {
  readonly #max: number;
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get open(): number {
    return this.#open;
  }

  get isFull(): boolean {
    return this.#open >= this.#max;
  }

  /** A request has begun; `leave` follows once. */
  enter(): void {
    this.#open++;
  }

  leave(): void {
    this.#open--;
  }
}

/** Principals remembered; beyond it those without an open request are forgotten. There are at most as many open requests as connections. */
const knownMax = 10_000;

/** What each principal has in flight. */
export class PrincipalLoads {
  readonly #max: number;
  readonly #known = new Map<string, PrincipalLoad>();

  /** `max`: requests that one principal may have open. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The same for every credential of a principal. Kept while idle: to go and come would be paid by every call. */
  of({ hash }: Principal): PrincipalLoad {
    return this.#known.get(hash) ?? this.#add(hash);
  }

  #add(hash: string): PrincipalLoad {
    if (this.#known.size >= knownMax) this.#forgetIdle();
    const load = new PrincipalLoad(this.#max);
    this.#known.set(hash, load);
    return load;
  }

  #forgetIdle(): void {
    for (const [hash, { open }] of this.#known) if (open === 0) this.#known.delete(hash);
  }
}
