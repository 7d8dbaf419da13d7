/**
 * What of a server's list nobody gets to see, and why: told to whoever keeps the log, so that a tool that is missing can be
 * explained. Counts everything, remembers few names; decides nothing.
 */

/** Items left out of a list for one reason. */
export interface Dropped {
  /** Constant text. */
  readonly why: string;
  readonly count: number;
  /** Some of their names or URIs, shortened. */
  readonly names: readonly string[];
}

const namesMax = 10;
const nameLengthMax = 200;

/** Gathers what is left out of one list. */
export class DroppedItems {
  readonly #byReason = new Map<string, { count: number; readonly names: string[] }>();

  /** Reasons are the caller's own words, and few. */
  add(why: string, names: readonly string[], count: number = names.length): void {
    if (count === 0) return;
    let found = this.#byReason.get(why);
    if (found === undefined) this.#byReason.set(why, (found = { count: 0, names: [] }));
    found.count += count;
    for (const name of names.slice(0, namesMax - found.names.length)) found.names.push(name.slice(0, nameLengthMax));
  }

  /** What was gathered, a reason each, in the order in which they came up. */
  get all(): readonly Dropped[] {
    return [...this.#byReason].map(([why, { count, names }]) => ({ why, count, names }));
  }
}
