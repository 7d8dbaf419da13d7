/**
 * The requests in flight on a shared channel, by the number that each was given there. A request costs no garbage that outlives it:
 * a Map would make a new table every few dozen calls, to which the old one goes on pointing; once one of them is old, all later
 * ones survive with the calls in them, and the pauses of the collector become the latency of the slowest calls.
 *
 * Numbers only grow, so an answer that comes too late is never taken for another's; a slot is chosen by the number's low bits.
 */

/** What a table holds. */
interface Numbered {
  readonly id: number;
}

const firstSlots = 64;

export class CallTable<Call extends Numbered> implements Iterable<Call> {
  #slots: (Call | undefined)[] = emptySlots(firstSlots);
  #size = 0;
  #nextId = 1;

  get size(): number {
    return this.#size;
  }

  /** The number that the next call gets; those below it were given out or passed over. */
  get nextId(): number {
    return this.#nextId;
  }

  /** A number whose slot is free. It is given out once, whether the call is then added or not. */
  newId(): number {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    while (this.#slots[this.#nextId & (this.#slots.length - 1)] !== undefined) this.#nextId++;
    return this.#nextId++;
  }

  /** Adds a call under the number that `newId` gave last. */
  add(call: Call): void {
    this.#slots[call.id & (this.#slots.length - 1)] = call;
    this.#size++;
  }

  get(id: number): Call | undefined {
    const call = this.#slots[id & (this.#slots.length - 1)];
    return call?.id === id ? call : undefined;
  }

  /** False when it is not there. */
  remove(call: Call): boolean {
    const slot = call.id & (this.#slots.length - 1);
    if (this.#slots[slot] !== call) return false;
    this.#slots[slot] = undefined;
    this.#size--;
    return true;
  }

  *[Symbol.iterator](): Iterator<Call> {
    for (const call of this.#slots) if (call !== undefined) yield call;
  }

  /** Twice the slots: two calls that had one each keep one each, because a longer part of their numbers differs too. */
  #grow(): void {
    const calls = [...this];
    this.#slots = emptySlots(this.#slots.length * 2);
    for (const call of calls) this.#slots[call.id & (this.#slots.length - 1)] = call;
  }
}

function emptySlots(count: number): undefined[] {
  return Array.from({ length: count }, () => undefined);
}
