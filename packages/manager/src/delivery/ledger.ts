/**
 * What was read and is not settled yet, in the order of reading, and the position that follows: everything up to it is settled. Things
 * settle in any order; the position waits for the oldest. It holds little more than what is unsettled. Pure.
 */

interface Entry {
  /** Where the reader is once this and all before are settled; undefined inside a store revision, and for what has none. */
  readonly position: string | undefined;
  isSettled: boolean;
}

/** Entries beside twice what is unsettled, before those that say nothing more are dropped. */
const compactBeyond = 64;

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

  /** How many entries it holds: bounded by what is unsettled. */
  get size(): number {
    return this.#entries.length;
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
    if (this.#entries.length > 2 * this.#unsettled + compactBeyond) this.#compact();
  }

  /** Of settled ones behind each other the last position says all: one that takes long must not make the rest pile up. */
  #compact(): void {
    const kept: Entry[] = [];
    for (const entry of this.#entries) {
      const last = kept.at(-1);
      if (entry.isSettled && last?.isSettled === true)
        kept.splice(-1, 1, { ...entry, position: entry.position ?? last.position });
      else kept.push(entry);
    }
    this.#entries = kept;
  }
}
