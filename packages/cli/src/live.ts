/** Lines at the bottom of a terminal that are drawn again in place. Whatever is drawn last stays, and what is written next goes below. */
import { stripVTControlCharacters } from "node:util";
import type { Io } from "./io.ts";

/** Shown together, so that no half of it is seen; terminals that do not know this leave it out. */
const beginUpdate = "\u001b[?2026h";
const endUpdate = "\u001b[?2026l";

/** Whether lines can be drawn again where they are. */
export function canRedraw(io: Io): boolean {
  return io.isTerminal && io.env["TERM"] !== "dumb";
}

export class LiveArea {
  readonly #io: Io;
  #drawn: readonly string[] = [];

  constructor(io: Io) {
    this.#io = io;
  }

  /** In the place of what was drawn before. What the window has no room for is counted in the last line. */
  draw(lines: readonly string[]): void {
    const shown = this.#fitting(lines);
    if (shown.length === this.#drawn.length && shown.every((line, index) => line === this.#drawn[index])) return;
    const above = this.#rows(this.#drawn);
    const up = above === 0 ? "" : `\u001b[${above}A`;
    this.#io.stdout.write(`${beginUpdate}\r${up}\u001b[J${shown.map((line) => `${line}\n`).join("")}${endUpdate}`);
    this.#drawn = shown;
  }

  /** The cursor stands below the last line, so a row is the window's that nothing is drawn in. */
  #fitting(lines: readonly string[]): readonly string[] {
    const room = this.#io.rows - 1;
    if (this.#rows(lines) <= room) return lines;
    let fitting = lines.length;
    while (fitting > 0 && this.#rows(lines.slice(0, fitting)) > room - 1) fitting -= 1;
    return [...lines.slice(0, fitting), `… ${lines.length - fitting} more lines in a higher window`];
  }

  /** How many rows of the window lines take; its width may have changed since they were drawn. */
  #rows(lines: readonly string[]): number {
    return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(cellsOf(line) / this.#io.columns)), 0);
  }
}

const segmenter = new Intl.Segmenter();
/** What terminals draw over two cells: East Asian scripts, full-width forms, emoji. */
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

/** How many cells of a terminal a text takes. */
export function cellsOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  return [...segmenter.segment(plain)].reduce((sum, { segment }) => sum + (wide.test(segment) ? 2 : 1), 0);
}
