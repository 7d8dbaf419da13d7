/**
 * The bytes that give JSON its structure, and a way back through it: from a key to the brace of its object, over whole strings and
 * values. The bytes are taken for (a part of) valid JSON; nothing is checked.
 */

const quote = 0x22;
const backslash = 0x5c;

/** A byte that opens and closes nothing. */
export const plain = 0;
/** A quote. */
export const string = 1;
/** A brace or bracket that opens. */
export const open = 2;
const close = 3;

/** What each byte is outside of strings: `plain`, `string`, `open`, or that it closes. */
export const structureOf: Uint8Array = new Uint8Array(256);
structureOf[quote] = string;
structureOf[0x7b] = structureOf[0x5b] = open;
structureOf[0x7d] = structureOf[0x5d] = close;

/** Where the object begins whose key is at `at`; `-Infinity` when that is more than `bytesMax` back, or not in these bytes. */
export function openerBefore(bytes: Buffer, at: number, bytesMax: number): number {
  const first = Math.max(0, at - bytesMax);
  let depth = 0;
  for (let i = at - 1; i >= first; i--) {
    const kind = structureOf[bytes[i] as number] as number;
    if (kind === plain) continue;
    if (kind === string) {
      i = stringStart(bytes, i, first);
      if (i < 0) break;
    } else if (kind === close) depth++;
    else if (depth === 0) return i;
    else depth--;
  }
  return -Infinity;
}

/** The opening quote of the string that the quote at `end` closes; -1 when it is not behind `first`. */
function stringStart(bytes: Buffer, end: number, first: number): number {
  for (let i = end - 1; i > first; i--) {
    if (bytes[i] === quote && backslashesBefore(bytes, i, 0) % 2 === 0) return i;
  }
  return -1;
}

/** How many backslashes stand right before `at`, none of them before `first`. An odd number escapes what is at `at`. */
export function backslashesBefore(bytes: Buffer, at: number, first: number): number {
  let i = at;
  while (i > first && bytes[i - 1] === backslash) i--;
  return at - i;
}
