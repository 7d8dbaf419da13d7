/**
 * How results look: aligned tables for people, JSON and YAML for programs. In a pipe nothing is cut or wrapped; in a terminal the
 * last column of a table and long values are fitted into its width.
 */
import { stripVTControlCharacters } from "node:util";
import { stringify } from "yaml";
import type { Io } from "./io.ts";
import { hasColour } from "./io.ts";
import { cutEnd, cutMiddle, hang, wrap } from "./wrap.ts";

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

/** How what does not fit is made to: its end cut off, its middle left out, or on several lines. */
type Fit = "cut" | "middle" | "wrap";

/** Rows of a table below their headings. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (Cell | string)[])[];
  /** What is done to the last column in a terminal. Default: its end is cut off. */
  readonly fit?: Fit;
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
    if (this.format === "json") this.line(jsonText(data));
    else if (this.format === "yaml") this.line(yamlText(data));
    else asText();
  }

  /** One line to stdout. */
  line(text: string): void {
    this.#io.stdout.write(`${text}\n`);
  }

  /** One line to stderr: what is said beside the result, and quotes what strangers wrote. */
  note(text: string): void {
    this.#io.stderr.write(`${printableText(text)}\n`);
  }

  table({ head, rows, fit = "cut", empty }: Table): void {
    if (rows.length === 0) return this.note(empty);
    const all: readonly (readonly Cell[])[] = [
      head.map((text) => ({ text, colour: "dim" as const })),
      ...rows.map((row) => row.map(toCell)),
    ];
    const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column]?.text ?? "").length)));
    for (const row of all) this.line(this.#row(row, widths, fit));
  }

  /** Names with their values, a line each or more, aligned. */
  fields(rows: readonly (readonly [string, Cell | string])[]): void {
    const indent = Math.max(...rows.map(([name]) => name.length)) + 3;
    for (const [name, value] of rows) {
      const { text, colour } = toCell(value);
      this.line(`${`${name}:`.padEnd(indent)}${this.paint(hang(text, indent, this.#io.columns), colour)}`);
    }
  }

  /** `head`, which may be painted and takes `indent` cells, and `text` behind it, in as many lines as it needs, below each other. */
  hanging(head: string, indent: number, text: string, colour?: Colour): void {
    const lines = wrap(text, this.#io.columns - indent).map((line) => this.paint(line, colour));
    this.line(head + lines.join(`\n${" ".repeat(indent)}`));
  }

  /** `text` in a colour, where there are colours. */
  paint(text: string, colour: Colour | undefined): string {
    return this.#hasColour && colour !== undefined ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
  }

  #row(row: readonly Cell[], widths: readonly number[], fit: Fit): string {
    const before = widths.slice(0, -1).map((width, column) => {
      const { text = "", colour } = row[column] ?? {};
      return this.paint(text, colour) + " ".repeat(width - text.length + gap);
    });
    const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + gap, 0);
    const { text = "", colour } = row.at(-1) ?? {};
    const lines = fitted(text, Math.max(lastWidthMin[fit], this.#io.columns - indent), fit);
    return before.join("") + lines.map((line) => this.paint(line, colour)).join(`\n${" ".repeat(indent)}`);
  }
}

/** Spaces between columns. */
const gap = 2;
/** What the last column keeps, also in a terminal that is too narrow for it: enough for a word, or for sentences. */
const lastWidthMin: Readonly<Record<Fit, number>> = { cut: 12, middle: 12, wrap: 24 };

function fitted(text: string, width: number, fit: Fit): readonly string[] {
  if (fit === "wrap") return wrap(text, width);
  return [fit === "cut" ? cutEnd(text, width) : cutMiddle(text, width)];
}

function toCell(cell: Cell | string): Cell {
  const { text, colour } = typeof cell === "string" ? { text: cell, colour: undefined } : cell;
  const line = printable(text);
  return colour === undefined ? { text: line } : { text: line, colour };
}

/** What would drive a terminal; line ends and tabs would not. */
const driving = /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu;

/** JSON in which what would drive a terminal is written as an escape, which means the same to a program. */
export function jsonText(data: unknown): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(data, undefined, 2).replaceAll(driving, escape);
}

/** YAML; where that would drive a terminal JSON, which is YAML too. */
export function yamlText(data: unknown): string {
  const text = stringify(data, { lineWidth: 0 }).replace(/\n$/, "");
  return text.search(driving) < 0 ? text : jsonText(data);
}

/** One line without control characters: what servers wrote must not drive a terminal. */
export function printable(text: string): string {
  return printableText(text).replaceAll(/\s+/g, " ").trim();
}

/** The same with line ends, tabs and indentation kept. */
export function printableText(text: string): string {
  return stripVTControlCharacters(text).replaceAll(driving, "�");
}
