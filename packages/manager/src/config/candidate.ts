/** A server that a file asks for, on the way to being checked; and what a document turned out to hold. */
import type { ConfigDocument } from "./document.ts";
import type { FieldPath } from "./field-path.ts";
import type { Note, Problem } from "./problem.ts";

export interface Candidate {
  /** A Server as a person could have written it, still unchecked. */
  readonly input: unknown;
  /** The name to take when `input` has none. */
  readonly name?: string;
  readonly document: ConfigDocument;
  /** Where in the document it stands. */
  readonly path: FieldPath;
  /** Where in the document a field of `input` was written. */
  locate(field: FieldPath): FieldPath;
}

/** The servers of a document, and what there is to say about it. */
export interface Found {
  readonly candidates: readonly Candidate[];
  readonly problems: readonly Problem[];
  readonly notes: readonly Note[];
}

/** A problem at a field of a document. */
export function problemAt(
  document: ConfigDocument,
  path: FieldPath,
  { field, given, expected }: { readonly field?: string; readonly given: string; readonly expected: string },
): Problem {
  const { line, column } = document.positionOf(path);
  const place = `${document.path}:${line}:${column}`;
  return { place, given, expected, ...(field === undefined ? {} : { field }) };
}
