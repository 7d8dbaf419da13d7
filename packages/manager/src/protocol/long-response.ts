/**
 * What can be told of a long response without reading it, so that a large result costs no parse: head and tail are looked at,
 * the rest is searched for the few words that would matter. Never wrong where it answers, as long as the message is JSON; where
 * it cannot be sure, it says so.
 */

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
  if (head !== undefined) return mayHaveIdIn(bytes, head.idEnd, bytes.length) ? undefined : head;
  const tail = tailId(bytes);
  return tail === undefined || mayHaveIdIn(bytes, 0, tail.idStart - tailBeforeId.length) ? undefined : tail;
}

const headBeforeId = Buffer.from('{"jsonrpc":"2.0","id":');
const resultKey = Buffer.from(',"result":');
const errorKey = Buffer.from(',"error":');

/** `{"jsonrpc":"2.0","id":…,"result":…}`: the first members of the outermost object are its own. */
function headId(bytes: Buffer): IdRange | undefined {
  if (!hasAt(bytes, 0, headBeforeId)) return undefined;
  const idStart = headBeforeId.length;
  let idEnd = idStart;
  if (bytes[idStart] === 0x22) {
    idEnd = bytes.indexOf(0x22, idStart + 1) + 1;
    if (idEnd === 0 || bytes.subarray(idStart, idEnd).includes(0x5c)) return undefined;
  } else {
    if (bytes[idEnd] === 0x2d) idEnd++;
    while (isDigit(bytes[idEnd])) idEnd++;
    if (!isDigit(bytes[idEnd - 1])) return undefined;
  }
  return hasAt(bytes, idEnd, resultKey) || hasAt(bytes, idEnd, errorKey) ? { idStart, idEnd } : undefined;
}

const resultHead = Buffer.from('{"result":');
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

// The native search looks for a needle's first byte, which costs up to 100 times more where that byte is frequent.
const idKey = Buffer.from('"id"');
const idKeyEnd = Buffer.from('id"');
const escapedIdLetter = Buffer.from("006");

/** Beyond this many finds in one message, reading it is the shorter way. */
const findsMax = 64;

/**
 * Whether the message may have another key `id` of its own in [from, to), in any spelling: a server could answer a second
 * request of the caller's with it. A key that opens an object is an inner one's, for the outermost was opened before.
 */
function mayHaveIdIn(bytes: Buffer, from: number, to: number): boolean {
  const key = rarer(bytes, 0x22, 0x69) === 0x22 ? idKey : idKeyEnd;
  const isKey = (at: number): boolean => {
    const quote = at + key.length - idKey.length;
    return bytes[quote] === 0x22 && bytes[lastNonSpace(bytes, quote - 1)] !== 0x7b;
  };
  const isLetter = (at: number): boolean => bytes[at - 1] === 0x75 && bytes[at - 2] === 0x5c;
  return found(bytes, key, from, to, isKey) || found(bytes, escapedIdLetter, from, to, isLetter);
}

const sampleBytes = 1024;

/** Which of two bytes is found less often in the middle of the message. */
function rarer(bytes: Buffer, one: number, other: number): number {
  const middle = bytes.length >> 1;
  let balance = 0;
  for (let i = middle; i < middle + sampleBytes; i++) balance += bytes[i] === one ? 1 : bytes[i] === other ? -1 : 0;
  return balance > 0 ? other : one;
}

/** Whether `needle` stands in [from, to) at a place that counts, or too often to look at each. */
function found(bytes: Buffer, needle: Buffer, from: number, to: number, counts: (at: number) => boolean): boolean {
  let at = bytes.indexOf(needle, from);
  for (let finds = 0; at >= 0 && at < to; finds++) {
    if (finds >= findsMax || counts(at)) return true;
    at = bytes.indexOf(needle, at + 1);
  }
  return false;
}

function lastNonSpace(bytes: Buffer, at: number): number {
  let i = at;
  while (i > 0 && isSpace(bytes[i])) i--;
  return i;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
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
