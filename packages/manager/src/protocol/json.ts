/**
 * Reading JSON (RFC 8259) as bytes: checks the whole grammar and finds where members stand, without decoding or building
 * anything. Positions are plain numbers: a function that reads answers the position after what it read, or a negative number
 * (`~position` of the byte that is wrong, `tooDeep` or `notUtf8`). It never copies, never throws, and knows nothing of JSON-RPC.
 */
import { isUtf8 } from "node:buffer";
import { hasBackslash, hexValue, type KeyTable, type MemberRanges, sameBytes } from "./key-table.ts";

/** Objects and arrays may be nested this deep; the outermost counts as one. Keeps recursion and every later reader bounded. */
export const depthMax = 128;

/** What a reading function answers when `depthMax` is passed. */
export const tooDeep: number = -(2 ** 30);

/** What `readDocument` answers for text that would be JSON, were its bytes UTF-8. */
export const notUtf8: number = tooDeep - 1;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const minus = 0x2d;
const letterU = 0x75;

/** 1 for the bytes at which a run of plain string bytes stops: controls, the quote, the backslash. */
const stopsString: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === quote || byte === backslash ? 1 : 0,
);

/** What may follow a backslash, `u` apart. */
const simpleEscape: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 && '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Reads a whole document, an object or anything else, and notes the members that `table` wants in `ranges`. Answers the
 * position after the value and the white space behind it, which is `bytes.length`; negative when it is not JSON in UTF-8.
 */
export function readDocument(bytes: Buffer, table: KeyTable | undefined, ranges: MemberRanges | undefined): number {
  const start = skipSpace(bytes, 0);
  const end = bytes[start] === openBrace ? readObject(bytes, start, 1, table, ranges) : skipValue(bytes, start, 0);
  if (end < 0) return end;
  const last = skipSpace(bytes, end);
  if (last !== bytes.length) return ~last;
  return isUtf8(bytes) ? last : notUtf8;
}

/** The position of the first byte at or after `at` that is not white space. */
export function skipSpace(bytes: Buffer, at: number): number {
  let i = at;
  while (i < bytes.length) {
    const byte = bytes[i] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return i;
    i++;
  }
  return i;
}

/** Reads the value that begins at `at`; `depth` is how many objects and arrays are open around it. */
function skipValue(bytes: Buffer, at: number, depth: number): number {
  if (at >= bytes.length) return ~at;
  const byte = bytes[at] as number;
  if (byte === quote) return skipString(bytes, at);
  if (byte === openBrace) return readObject(bytes, at, depth + 1, undefined, undefined);
  if (byte === openBracket) return skipArray(bytes, at, depth + 1);
  if (byte === 0x74) return skipWord(bytes, at, wordTrue);
  if (byte === 0x66) return skipWord(bytes, at, wordFalse);
  if (byte === 0x6e) return skipWord(bytes, at, wordNull);
  return skipNumber(bytes, at);
}

const wordTrue = Buffer.from("true");
const wordFalse = Buffer.from("false");
const wordNull = Buffer.from("null");

function skipWord(bytes: Buffer, at: number, word: Buffer): number {
  const end = at + word.length;
  return end <= bytes.length && sameBytes(word, bytes, at) ? end : ~at;
}

function skipNumber(bytes: Buffer, at: number): number {
  let i = bytes[at] === minus ? at + 1 : at;
  if (i < bytes.length && bytes[i] === 0x30) i++;
  else if ((i = skipDigits(bytes, i)) < 0) return i;
  if (i < bytes.length && bytes[i] === 0x2e && (i = skipDigits(bytes, i + 1)) < 0) return i;
  if (i < bytes.length && ((bytes[i] as number) | 0x20) === 0x65) {
    i++;
    if (i < bytes.length && (bytes[i] === 0x2b || bytes[i] === minus)) i++;
    i = skipDigits(bytes, i);
  }
  return i;
}

/** At least one digit. */
function skipDigits(bytes: Buffer, at: number): number {
  let i = at;
  while (i < bytes.length && (bytes[i] as number) >= 0x30 && (bytes[i] as number) <= 0x39) i++;
  return i > at ? i : ~i;
}

function skipString(bytes: Buffer, at: number): number {
  const length = bytes.length;
  const lengthOfFours = length - 3;
  let i = at + 1;
  while (i < length) {
    // Four bytes at a step: long texts are most of what is read, and this is what a table lookup per byte costs least in.
    while (
      i < lengthOfFours &&
      ((stopsString[bytes[i] as number] as number) |
        (stopsString[bytes[i + 1] as number] as number) |
        (stopsString[bytes[i + 2] as number] as number) |
        (stopsString[bytes[i + 3] as number] as number)) ===
        0
    )
      i += 4;
    while (i < length && stopsString[bytes[i] as number] === 0) i++;
    if (i >= length) break;
    if (bytes[i] === quote) return i + 1;
    if (bytes[i] !== backslash || (i = skipEscape(bytes, i)) < 0) return i < 0 ? i : ~i;
  }
  return ~length;
}

function skipEscape(bytes: Buffer, at: number): number {
  if (at + 1 >= bytes.length) return ~bytes.length;
  const kind = bytes[at + 1] as number;
  if (simpleEscape[kind] === 1) return at + 2;
  if (kind !== letterU || at + 6 > bytes.length) return ~(at + 1);
  for (let i = at + 2; i < at + 6; i++) if ((hexValue[bytes[i] as number] as number) < 0) return ~i;
  return at + 6;
}

function skipArray(bytes: Buffer, at: number, depth: number): number {
  if (depth > depthMax) return tooDeep;
  let i = skipSpace(bytes, at + 1);
  if (i < bytes.length && bytes[i] === closeBracket) return i + 1;
  for (;;) {
    i = skipValue(bytes, i, depth);
    if (i < 0) return i;
    i = skipSpace(bytes, i);
    if (i >= bytes.length) return ~i;
    if (bytes[i] === closeBracket) return i + 1;
    if (bytes[i] !== comma) return ~i;
    i = skipSpace(bytes, i + 1);
  }
}

/** Reads the object whose brace is at `at`; `depth` counts it. Notes the members that `table` wants. */
function readObject(
  bytes: Buffer,
  at: number,
  depth: number,
  table: KeyTable | undefined,
  ranges: MemberRanges | undefined,
): number {
  if (depth > depthMax) return tooDeep;
  let i = skipSpace(bytes, at + 1);
  if (i < bytes.length && bytes[i] === closeBrace) return i + 1;
  for (;;) {
    if (i >= bytes.length || bytes[i] !== quote) return ~i;
    const keyEnd = skipString(bytes, i);
    if (keyEnd < 0) return keyEnd;
    const entry = table === undefined ? undefined : table.find(bytes, i + 1, keyEnd - 1);
    const start = skipColon(bytes, keyEnd);
    if (start < 0) return start;
    i =
      entry?.nested !== undefined && bytes[start] === openBrace
        ? readObject(bytes, start, depth + 1, entry.nested, ranges)
        : skipValue(bytes, start, depth);
    if (i < 0) return i;
    if (entry !== undefined) ranges?.record(entry.slot, start, i);
    i = skipSpace(bytes, i);
    if (i >= bytes.length) return ~i;
    if (bytes[i] === closeBrace) return i + 1;
    if (bytes[i] !== comma) return ~i;
    i = skipSpace(bytes, i + 1);
  }
}

/** From after a key to the first byte of its value. */
function skipColon(bytes: Buffer, at: number): number {
  const i = skipSpace(bytes, at);
  return i < bytes.length && bytes[i] === colon ? skipSpace(bytes, i + 1) : ~i;
}

/** The decoded text of the valid JSON string that stands in `bytes[start, end)`, quotes included. */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  return hasBackslash(bytes, start, end)
    ? (JSON.parse(bytes.toString("utf8", start, end)) as string)
    : bytes.toString("utf8", start + 1, end - 1);
}

/** As `decodeString`, but undefined when there is no value (`start` is -1) or it is no string. */
export function stringAt(bytes: Buffer, start: number, end: number): string | undefined {
  return start >= 0 && bytes[start] === quote ? decodeString(bytes, start, end) : undefined;
}

/** As `stringAt`, for a number. */
export function numberAt(bytes: Buffer, start: number, end: number): number | undefined {
  const first = start < 0 ? undefined : bytes[start];
  const isNumber = first !== undefined && ((first >= 0x30 && first <= 0x39) || first === minus);
  return isNumber ? Number(bytes.toString("latin1", start, end)) : undefined;
}

/** Whether the value at `at` is an object. */
export function isObjectAt(bytes: Buffer, at: number): boolean {
  return at >= 0 && bytes[at] === openBrace;
}

/** One member of an object: its key and its value as written, quotes included. */
export interface Member {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly start: number;
  readonly end: number;
}

/** The members of the object whose brace is at `at`, in order, whatever their keys; undefined when it is no valid object. */
export function membersAt(bytes: Buffer, at: number): Member[] | undefined {
  if (bytes[at] !== openBrace) return undefined;
  const members: Member[] = [];
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === closeBrace) return members;
  for (;;) {
    const keyStart = i;
    const keyEnd = bytes[i] === quote ? skipString(bytes, i) : ~i;
    const start = keyEnd < 0 ? keyEnd : skipColon(bytes, keyEnd);
    const end = start < 0 ? start : skipValue(bytes, start, 1);
    if (end < 0) return undefined;
    members.push({ keyStart, keyEnd, start, end });
    i = skipSpace(bytes, end);
    if (bytes[i] === closeBrace) return members;
    if (bytes[i] !== comma) return undefined;
    i = skipSpace(bytes, i + 1);
  }
}

/**
 * The direct member `key`, in any spelling, of the object whose brace is at `at`; undefined when there is none, when it comes twice,
 * or when that is no valid object.
 */
export function memberAt(bytes: Buffer, at: number, key: string): Member | undefined {
  let found: Member | undefined;
  for (const member of membersAt(bytes, at) ?? []) {
    if (decodeString(bytes, member.keyStart, member.keyEnd) !== key) continue;
    if (found !== undefined) return undefined;
    found = member;
  }
  return found;
}

/**
 * The ranges of the elements of the array whose bracket is at `at`, start and end in turn; undefined when it is no valid array
 * or has more than `countMax` elements.
 */
export function elementsAt(bytes: Buffer, at: number, countMax: number = Infinity): number[] | undefined {
  if (bytes[at] !== openBracket) return undefined;
  const ends: number[] = [];
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === closeBracket) return ends;
  for (;;) {
    const end = skipValue(bytes, i, 1);
    if (end < 0 || ends.length >= countMax * 2) return undefined;
    ends.push(i, end);
    i = skipSpace(bytes, end);
    if (bytes[i] === closeBracket) return ends;
    if (bytes[i] !== comma) return undefined;
    i = skipSpace(bytes, i + 1);
  }
}

/**
 * Reads the object whose brace is at `at` in one pass: `read` gets each key, decoded, and where its value begins, and answers the
 * position after that value (`skipAt` where it is not looked into). Answers the position after the object, or a negative number.
 */
export function readMembers(bytes: Buffer, at: number, read: (key: string, start: number) => number): number {
  if (bytes[at] !== openBrace) return ~at;
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === closeBrace) return i + 1;
  for (;;) {
    const keyEnd = bytes[i] === quote ? skipString(bytes, i) : ~i;
    const start = keyEnd < 0 ? keyEnd : skipColon(bytes, keyEnd);
    const end = start < 0 ? start : read(decodeString(bytes, i, keyEnd), start);
    if (end < 0) return end;
    i = skipSpace(bytes, end);
    if (bytes[i] === closeBrace) return i + 1;
    if (bytes[i] !== comma) return ~i;
    i = skipSpace(bytes, i + 1);
  }
}

/** As `readMembers`, for the elements of the array whose bracket is at `at`. */
export function readElements(bytes: Buffer, at: number, read: (start: number) => number): number {
  if (bytes[at] !== openBracket) return ~at;
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === closeBracket) return i + 1;
  for (;;) {
    const end = read(i);
    if (end < 0) return end;
    i = skipSpace(bytes, end);
    if (bytes[i] === closeBracket) return i + 1;
    if (bytes[i] !== comma) return ~i;
    i = skipSpace(bytes, i + 1);
  }
}

/** The position after the value that begins at `at`, or a negative number. */
export function skipAt(bytes: Buffer, at: number): number {
  return skipValue(bytes, at, 1);
}
