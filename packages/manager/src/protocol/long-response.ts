/**
 * What can be told of a long response without reading it, so that a large result costs no parse: head and tail are looked at,
 * the rest is searched for the few words that would matter. Never wrong where it answers, as long as the message is JSON; where
 * it cannot be sure, it says so.
 */
import { IdWatch, noOwnId } from "./id-watch.ts";
import { skipSpace } from "./json.ts";

/** Reading a message of this length whole costs about as much as searching it for one word. */
const shortBytesMax = 4096;

/** Where the id of a response stands, quotes included. */
export interface IdRange {
  readonly idStart: number;
  readonly idEnd: number;
}

/**
 * The id of a response that is long, in a usual spelling and has no other key that could be one of its ids; undefined for any
 * other, which has to be read. The message is taken for valid JSON.
 */
export function idOfLong(bytes: Buffer): IdRange | undefined {
  if (bytes.length <= shortBytesMax || bytes[bytes.length - 1] !== 0x7d) return undefined;
  const head = headId(bytes);
  const at = head ?? tailId(bytes);
  if (at === undefined) return undefined;
  const from = head?.idEnd ?? 0;
  const watch = new IdWatch(from);
  watch.push(from === 0 ? bytes : bytes.subarray(from));
  return watch.end() === (head === undefined ? at.idStart - ownIdKey.length : noOwnId) ? at : undefined;
}

const ownIdKey = Buffer.from('"id":');
const headBeforeId = Buffer.from('{"jsonrpc":"2.0","id":');
const resultKey = Buffer.from(',"result":');
const errorKey = Buffer.from(',"error":');

/** The id of `{"jsonrpc":"2.0","id":…,"result":…}` or of such an error: the first members of the outermost object are its own. */
export function headId(bytes: Buffer): IdRange | undefined {
  if (!hasAt(bytes, 0, headBeforeId)) return undefined;
  const idStart = headBeforeId.length;
  const idEnd = idEndAt(bytes, idStart);
  if (idEnd < 0) return undefined;
  return hasAt(bytes, idEnd, resultKey) || hasAt(bytes, idEnd, errorKey) ? { idStart, idEnd } : undefined;
}

/** The position after the id that begins at `at`: an integer, or a string without escapes; -1 for anything else. */
function idEndAt(bytes: Buffer, at: number): number {
  if (bytes[at] === 0x22) {
    const end = bytes.indexOf(0x22, at + 1) + 1;
    return end === 0 || bytes.subarray(at, end).includes(0x5c) ? -1 : end;
  }
  let end = bytes[at] === 0x2d ? at + 1 : at;
  while (isDigit(bytes[end])) end++;
  return isDigit(bytes[end - 1]) ? end : -1;
}

const resultHead = Buffer.from('{"result":');
const versionBeforeResult = Buffer.from('{"jsonrpc":"2.0","result":');
const errorHead = Buffer.from('{"error":');
const tailBeforeId = Buffer.from(',"jsonrpc":"2.0","id":');

/**
 * `{"result":…,"jsonrpc":"2.0","id":…}`: the last brace closes the outermost object, so in valid JSON the members right before it
 * are that object's own. They cannot be the inside of a string: its closing quote would have to follow.
 */
function tailId(bytes: Buffer): IdRange | undefined {
  const idEnd = bytes.length - 1;
  if (!hasAt(bytes, 0, resultHead) && !hasAt(bytes, 0, errorHead)) return undefined;
  let idStart = idEnd - 1;
  if (bytes[idStart] === 0x22) {
    idStart = bytes.lastIndexOf(0x22, idStart - 1);
    if (idStart < 0 || bytes.subarray(idStart, idEnd).includes(0x5c)) return undefined;
  } else {
    if (!isDigit(bytes[idStart])) return undefined;
    while (isDigit(bytes[idStart - 1])) idStart--;
    if (bytes[idStart - 1] === 0x2d) idStart--;
  }
  return hasAt(bytes, idStart - tailBeforeId.length, tailBeforeId) ? { idStart, idEnd } : undefined;
}

const sampleBytes = 1024;

/** Which of two bytes is found less often in the middle of the message. */
export function rarer(bytes: Buffer, one: number, other: number): number {
  const middle = bytes.length >> 1;
  const end = Math.min(middle + sampleBytes, bytes.length);
  let balance = 0;
  for (let i = middle; i < end; i++) balance += bytes[i] === one ? 1 : bytes[i] === other ? -1 : 0;
  return balance > 0 ? other : one;
}

/**
 * Whether a message that begins like this is a result, and where its id is: before the result, or after it. Undefined where that
 * cannot be told, and for errors.
 */
export function longResultId(head: Buffer): IdRange | "after" | undefined {
  if (hasAt(head, 0, resultHead) || hasAt(head, 0, versionBeforeResult)) return "after";
  const id = headId(head);
  return id !== undefined && hasAt(head, id.idEnd, resultKey) ? id : undefined;
}

/** What may follow an id that comes after its result. */
const afterLastId = /^\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

/** The value of the key `"id"` that begins at `at`, when it is an id and the last of the message but for its version. */
export function lastId(bytes: Buffer, at: number): IdRange | undefined {
  const colon = skipSpace(bytes, at + '"id"'.length);
  if (bytes[colon] !== 0x3a) return undefined;
  const idStart = skipSpace(bytes, colon + 1);
  const length = /^(?:-?\d+|"(?:[^"\\]|\\.)*")/.exec(bytes.toString("latin1", idStart))?.[0].length;
  if (length === undefined || !afterLastId.test(bytes.toString("latin1", idStart + length))) return undefined;
  return { idStart, idEnd: idStart + length };
}

/** Whether the message is long and begins as an error does. */
export function isLongError(bytes: Buffer): boolean {
  if (bytes.length <= shortBytesMax) return false;
  const id = headId(bytes);
  return hasAt(bytes, 0, errorHead) || (id !== undefined && hasAt(bytes, id.idEnd, errorKey));
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function hasAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  if (at < 0) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

// Ends of `"isError"` and `"input_required"` that begin with a rare byte, which makes the native search up to 30 times faster.
const isErrorKeyEnd = Buffer.from('Error"');
const inputRequiredEnd = Buffer.from('_required"');

/** Whether a response, or the beginning of one, is long, begins as a result does, and has no word in it that could make it a failure. */
export function isLongPlainResult(bytes: Buffer): boolean {
  if (bytes.length <= shortBytesMax) return false;
  const id = hasAt(bytes, 0, headBeforeId) ? bytes.indexOf(0x2c, headBeforeId.length) : -1;
  const isResult = hasAt(bytes, 0, resultHead) || (id >= 0 && hasAt(bytes, id, resultKey));
  return isResult && !bytes.includes(isErrorKeyEnd) && !bytes.includes(inputRequiredEnd);
}
