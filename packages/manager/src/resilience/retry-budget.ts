/**
 * How many calls may be on their second attempt at once: a fifth of all in flight, and three in any case. When everything fails, the
 * server sees little more than was asked of it. Rule and figures: Envoy's retry budget, reliability.md 2.4.
 */
const share = 0.2;
const alwaysAllowed = 3;

export class RetryBudget {
  #active = 0;

  /** Claims one, to be given back with `release`. False: it is used up. */
  claim(callsInFlight: number): boolean {
    if (this.#active >= Math.max(alwaysAllowed, Math.floor(share * callsInFlight))) return false;
    this.#active++;
    return true;
  }

  release(): void {
    this.#active = Math.max(0, this.#active - 1);
  }
}
