/**
 * TOML as Codex keeps it: its value, and where a table stands, as far as its heading tells. Nothing of the text is ever repeated: without
 * indentation there is no telling which of its lines are secret.
 */
import { parse, TomlError } from "smol-toml";
import type { FieldPath } from "./field-path.ts";

/** Line and column, both from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** What reading a text gave. */
export type Toml =
  | { readonly kind: "read"; readonly value: unknown; positionOf(field: FieldPath): Position }
  | { readonly kind: "wrong"; readonly position: Position };

/** Whether a file is TOML: by its name, else by a table that only Codex has. */
export function isToml(path: string, text: string): boolean {
  if (/\.toml$/i.test(path)) return true;
  return !/\.(?:jsonc?|ya?ml)$/i.test(path) && /^[ \t]*\[[ \t]*mcp_servers[ \t]*\./m.test(text);
}

/** Reads it. */
export function parseToml(text: string): Toml {
  try {
    const value = parse(text);
    let lines: Lines | undefined;
    return { kind: "read", value, positionOf: (field) => positionOf((lines ??= linesOf(text)), field) };
  } catch (error) {
    const position = error instanceof TomlError ? error : { line: 1, column: 1 };
    return { kind: "wrong", position: { line: position.line, column: position.column } };
  }
}

/** The line of each table's heading, from 1, by its keys: the first, where there are several. */
type Lines = ReadonlyMap<string, number>;

function linesOf(text: string): Lines {
  const lines = new Map<string, number>();
  for (const [index, line] of text.split("\n").entries()) {
    const keys = /^[ \t]*\[+([^[\]]+)\]/.exec(line)?.[1];
    if (keys === undefined) continue;
    const place = placeOf(keys.split(".").map(keyOf));
    if (!lines.has(place)) lines.set(place, index + 1);
  }
  return lines;
}

/** The heading of the innermost table that the field is in. */
function positionOf(lines: Lines, field: FieldPath): Position {
  for (let length = field.length; length > 0; length -= 1) {
    const line = lines.get(placeOf(field.slice(0, length)));
    if (line !== undefined) return { line, column: 1 };
  }
  return { line: 1, column: 1 };
}

function placeOf(keys: FieldPath): string {
  return JSON.stringify(keys);
}

function keyOf(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, "$2");
}
