/** What has happened in a soak so far, by its name: calls by how they ended, faults by kind. Counts, and judges nothing. */
import { codeOf, type Ending, errorOf, resultOf } from "../testing/ledger.ts";

export class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#total += 1;
  }

  /** The most frequent first. */
  get counts(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].toSorted(([, a], [, b]) => b - a);
  }
}

/** How a call ended, in a word or two: few different ones, whatever servers say. */
export function nameOf(ending: Ending): string {
  if (ending.kind !== "answered") return ending.kind;
  const result = resultOf(ending);
  if (result !== undefined) return result["isError"] === true ? "tool error" : "result";
  const code = codeOf(ending);
  if (typeof code === "string") return code;
  return errorOf(ending) === undefined ? `HTTP ${ending.status}` : "error of the server";
}
