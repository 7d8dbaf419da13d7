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
    let headings: readonly Heading[] | undefined;
    return { kind: "read", value, positionOf: (field) => positionOf((headings ??= headingsOf(text)), field) };
  } catch (error) {
    const position = error instanceof TomlError ? error : { line: 1, column: 1 };
    return { kind: "wrong", position: { line: position.line, column: position.column } };
  }
}

/** The keys of a table's heading, and its line, from 1. */
interface Heading {
  readonly keys: readonly string[];
  readonly line: number;
}

function headingsOf(text: string): readonly Heading[] {
  return text.split("\n").flatMap((line, index) => {
    const keys = /^[ \t]*\[+([^[\]]+)\]/.exec(line)?.[1];
    return keys === undefined ? [] : { keys: keys.split(".").map(keyOf), line: index + 1 };
  });
}

/** The heading of the innermost table that the field is in. */
function positionOf(headings: readonly Heading[], field: FieldPath): Position {
  const around = headings.filter(({ keys }) => keys.every((key, index) => field[index] === key));
  const innermost = around.reduce<Heading | undefined>(
    (best, heading) => (best === undefined || heading.keys.length > best.keys.length ? heading : best),
    undefined,
  );
  return { line: innermost?.line ?? 1, column: 1 };
}

function keyOf(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, "$2");
}
