/**
 * What was read and is not settled yet, in the order of reading, and the position that follows: everything up to it is settled. Things
 * settle in any order; the position waits for the oldest. Pure.
 */

interface Entry {
  /** Where the reader is once this and all before are settled; undefined inside a store revision, and for what has none. */
  readonly position: string | undefined;
  isSettled: boolean;
}

/** To be called once, when what was read is settled. */
export type Settle = () => void;

export class Ledger {
  #entries: Entry[] = [];
  #unsettled = 0;
  #position: string;

  /** `position` is where reading begins. */
  constructor(position: string) {
    this.#position = position;
  }

  /** Everything up to it is settled. */
  get position(): string {
    return this.#position;
  }

  /** What was read and is not settled. */
  get pending(): number {
    return this.#unsettled;
  }

  /** Takes note of something that was read. */
  read(position: string | undefined): Settle {
    const entry: Entry = { position, isSettled: false };
    this.#entries.push(entry);
    this.#unsettled += 1;
    return () => {
      if (entry.isSettled) return;
      entry.isSettled = true;
      this.#unsettled -= 1;
      this.#advance();
    };
  }

  /** Takes note of a position with nothing to settle. */
  pass(position: string): void {
    this.#entries.push({ position, isSettled: true });
    this.#advance();
  }

  #advance(): void {
    const first = this.#entries.findIndex(({ isSettled }) => !isSettled);
    const settled = this.#entries.splice(0, first < 0 ? this.#entries.length : first);
    this.#position = settled.findLast(({ position }) => position !== undefined)?.position ?? this.#position;
  }
}
