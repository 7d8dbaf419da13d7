/**
 * How results look: aligned tables for people, JSON and YAML for programs. Tables are never cut in a pipe; in a terminal only
 * the last column is, so that lines do not wrap.
 */
import { stripVTControlCharacters } from "node:util";
import { stringify } from "yaml";
import type { Io } from "./io.ts";
import { hasColour } from "./io.ts";

/** What `--output` takes. */
export type Format = "table" | "json" | "yaml";

/** The formats, for messages. */
export const formats: readonly Format[] = ["table", "json", "yaml"];

/** Colours of cells; each means the same everywhere (green is well, red is broken). */
export type Colour = "green" | "yellow" | "red" | "dim" | "bold";

const codes: Readonly<Record<Colour, string>> = { green: "32", yellow: "33", red: "31", dim: "2", bold: "1" };

/** A cell with a colour, which is dropped where there are none. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

/** Rows of a table below their headings. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (Cell | string)[])[];
  /** What is said, to stderr, when there are no rows. */
  readonly empty: string;
}

/** Prints what a command has to say: results to stdout in the format that was asked for, notes to stderr. */
export class Printer {
  readonly format: Format;
  readonly #io: Io;
  readonly #hasColour: boolean;

  constructor(io: Io, format: Format) {
    this.#io = io;
    this.format = format;
    this.#hasColour = hasColour(io);
  }

  /** `data` as JSON or YAML, or what `asText` makes of it for people. */
  result(data: unknown, asText: () => void): void {
    if (this.format === "json") this.line(JSON.stringify(data, undefined, 2));
    else if (this.format === "yaml") this.#io.stdout.write(stringify(data, { lineWidth: 0 }));
    else asText();
  }

  /** One line to stdout. */
  line(text: string): void {
    this.#io.stdout.write(`${text}\n`);
  }

  /** One line to stderr: what is said beside the result. */
  note(text: string): void {
    this.#io.stderr.write(`${text}\n`);
  }

  table({ head, rows, empty }: Table): void {
    if (rows.length === 0) return this.note(empty);
    const all: readonly (readonly Cell[])[] = [
      head.map((text) => ({ text, colour: "dim" as const })),
      ...rows.map((row) => row.map(toCell)),
    ];
    const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column]?.text ?? "").length)));
    for (const row of all) this.line(this.#row(row, widths));
  }

  /** `text` in a colour, where there are colours. */
  paint(text: string, colour: Colour | undefined): string {
    return this.#hasColour && colour !== undefined ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
  }

  #row(row: readonly Cell[], widths: readonly number[]): string {
    const gap = 2;
    const last = row.length - 1;
    const before = widths.slice(0, last).reduce((sum, width) => sum + width + gap, 0);
    return row
      .map(({ text, colour }, column) => {
        const isCut = column === last && this.#io.isTerminal;
        const shown = isCut ? cut(text, Math.max(12, this.#io.columns - before)) : text;
        const padding = column === last ? "" : " ".repeat((widths[column] ?? 0) - shown.length + gap);
        return this.paint(shown, colour) + padding;
      })
      .join("");
  }
}

function toCell(cell: Cell | string): Cell {
  const { text, colour } = typeof cell === "string" ? { text: cell, colour: undefined } : cell;
  const line = printable(text);
  return colour === undefined ? { text: line } : { text: line, colour };
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** One line without control characters: what servers wrote must not drive a terminal. */
export function printable(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/\p{Cc}/gu, "�")
    .trim();
}

/** The same with line ends and tabs kept. */
export function printableText(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[^\P{Cc}\n\t]/gu, "�");
}
