/**
 * The line of a file that a syntax error is on, with a mark under the place. A file that cannot be read has no fields, so which
 * values are secret has to be guessed: what looks like one is masked, and rather too much than too little.
 */

const secretKey = /(?:token|key|secret|pass|auth|credential|cookie|bearer|dsn|ur[il])/i;
/** Keys below which every value is secret, whatever it is called. */
const secretSection = /^\W*(?:env|environment|headers|args)\b/;
const widthMax = 100;
/** Longer lines were not written by a person, and are not shown. */
const lengthMax = 400;

/** Two lines: the text with its number, and a mark under `column` (both from 1). Empty when the line is very long. */
export function shownLine(text: string, line: number, column: number): string {
  const lines = text.split(/\r?\n/);
  if ((lines[line - 1] ?? "").length > lengthMax) return "";
  const shown = printable(mask(lines, line - 1)).slice(0, widthMax);
  const number = String(line);
  const mark = " ".repeat(Math.min(column, shown.length + 1) - 1);
  return `\n  ${number} | ${shown}\n  ${" ".repeat(number.length)} | ${mark}^`;
}

function mask(lines: readonly string[], index: number): string {
  const line = lines[index] ?? "";
  const first = firstSecret(line, parentOf(lines, index));
  return `${maskWords(line.slice(0, first))}${line.slice(first).replaceAll(/[^\s{}[\],:"']/g, "*")}`;
}

/** The nearest line above that is indented less; its key is what the line belongs to. */
function parentOf(lines: readonly string[], index: number): string {
  const line = lines[index] ?? "";
  // YAML allows the items of a list to stand as far left as its key.
  const isParent = (above: string): boolean =>
    isItem(line) ? !isItem(above) && indent(above) <= indent(line) : indent(above) < indent(line);
  return (lines.slice(0, index).findLast((above) => above.trim() !== "" && isParent(above)) ?? "")
    .trim()
    .slice(-lengthMax);
}

/** From where on the line has to be masked: from its start, or behind the first key that announces a secret. */
function firstSecret(line: string, parent: string): number {
  // On one line with others, only the last key counts: `"a": {"args": [`.
  const last = /([\w-]+)"?\s*:\s*[[{]?$/.exec(parent)?.[1] ?? parent;
  if (last === "args" || (isItem(line) && secretSection.test(last))) return 0;
  if (secretSection.test(last)) return afterKey(line, 0);
  const word = [...line.matchAll(/[\w-]+/g)].find(([text]) => secretKey.test(text) || secretSection.test(text));
  return word === undefined ? line.length : afterKey(line, word.index);
}

/** Behind the first colon after `from`; a line without one is a value of a list. */
function afterKey(line: string, from: number): number {
  const colon = line.indexOf(":", from);
  return colon < 0 ? from : colon + 1;
}

function maskWords(text: string): string {
  return text.replaceAll(/[A-Za-z0-9_+/=.-]{20,}/g, (word) => (/\d/.test(word) ? "*".repeat(word.length) : word));
}

function printable(text: string): string {
  return text.replaceAll("\t", " ").replaceAll(/\p{Cc}/gu, "?");
}

function isItem(line: string): boolean {
  return line.trimStart().startsWith("-");
}

function indent(line: string): number {
  return line.length - line.trimStart().length;
}
