/**
 * What each principal has of one server at this moment. A record is kept while it has something and for some time after, so that the
 * ordinary call finds it there and adds nothing to the table; the table never outgrows those at work by more than a fixed number.
 */

/** What one principal has. */
export interface Share {
  readonly principal: string;
  /** Calls in flight. */
  inFlight: number;
  /** Calls that wait for a place. */
  waiting: number;
}

/** Principals with nothing at this moment whose records may stay. */
const restingMax = 1_024;

export class Shares {
  readonly #shares = new Map<string, Share>();
  #sweepAt = restingMax;

  /** The record of a principal, made when it is not there. */
  of(principal: string): Share {
    return this.#shares.get(principal) ?? this.#add(principal);
  }

  get size(): number {
    return this.#shares.size;
  }

  #add(principal: string): Share {
    if (this.#shares.size >= this.#sweepAt) this.#sweep();
    const share: Share = { principal, inFlight: 0, waiting: 0 };
    this.#shares.set(principal, share);
    return share;
  }

  #sweep(): void {
    for (const share of this.#shares.values())
      if (share.inFlight === 0 && share.waiting === 0) this.#shares.delete(share.principal);
    this.#sweepAt = this.#shares.size + restingMax;
  }
}
