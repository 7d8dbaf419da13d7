/**
 * Two texts as the lines in which they differ, for a person to read before new words reach a model: what a terminal would hide or act
 * on is shown as its escape, and of a long line the part that differs. Bounded in lines, their length, and time.
 */

export interface LineDiff {
  /** Each with `-` or `+` before it; at most 20. */
  readonly lines: readonly string[];
  /** How many differ in all. */
  readonly count: number;
}

const linesMax = 20;
const lineLengthMax = 300;
/** Shown of a long line before what differs. */
const contextLength = 40;
/** Longer stretches are shown as replaced whole: finding what they have in common takes the product of their lengths. */
const cellsMax = 40_000;

export function lineDiff(from: string, to: string): LineDiff {
  const [before, after] = [from.split("\n"), to.split("\n")];
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end++;
  const removed = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  const [one = "", other = ""] = [removed[0], added[0]];
  const isOneLine = removed.length === 1 && added.length === 1;
  const skipped = isOneLine ? Math.max(0, commonLength(one, other) - contextLength) : 0;
  const edits = editsOf(removed, added);
  const lines = edits.slice(0, linesMax).map(({ sign, line }) => `${sign} ${excerpt(line, skipped)}`);
  return { lines, count: edits.length };
}

/** Control and format characters and line separators as their escapes, so that nothing of a text is unseen. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

interface Edit {
  readonly sign: "-" | "+";
  readonly line: string;
}

function editsOf(removed: readonly string[], added: readonly string[]): readonly Edit[] {
  const all = (sign: "-" | "+", lines: readonly string[]): Edit[] => lines.map((line) => ({ sign, line }));
  if (removed.length * added.length > cellsMax) return [...all("-", removed), ...all("+", added)];
  const lengths = commonLengths(removed, added);
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < removed.length || j < added.length) {
    const [one, other] = [removed[i], added[j]];
    if (one !== undefined && one === other) {
      i++;
      j++;
    } else if (other === undefined || (one !== undefined && at(lengths, i + 1, j) >= at(lengths, i, j + 1))) {
      edits.push({ sign: "-", line: one ?? "" });
      i++;
    } else {
      edits.push({ sign: "+", line: other });
      j++;
    }
  }
  return edits;
}

/** Of the rests of two lists from each pair of places on: how long the longest sequence is that both have. */
function commonLengths(a: readonly string[], b: readonly string[]): readonly Uint16Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    const row = rows[i] ?? new Uint16Array();
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? at(rows, i + 1, j + 1) + 1 : Math.max(at(rows, i + 1, j), row[j + 1] ?? 0);
    }
  }
  return rows;
}

function at(rows: readonly Uint16Array[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

function excerpt(line: string, skipped: number): string {
  const shown = line.slice(skipped, skipped + lineLengthMax);
  return `${skipped > 0 ? "…" : ""}${printable(shown)}${skipped + lineLengthMax < line.length ? "…" : ""}`;
}
