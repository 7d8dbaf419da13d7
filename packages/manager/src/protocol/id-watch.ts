/**
 * Whether a long message has a key `id` of its own, told while its bytes pass and without reading them: a server could answer
 * somebody else's request with a second one. The bytes are searched natively, in whatever spelling the key may have; only from a find
 * that could be it are they read, until the object that holds it closes. Is anything left then, that object was an inner one.
 *
 *   search ──▶ string ──▶ colon ──▶ object ──▶ closed      a key `id` of the outermost object ends here
 *     ▲           a value ┘            more bytes ┘
 *     └───────────────┴────────────────────┘
 *
 * The bytes are taken for valid JSON, an object whose first key is another. It keeps no bytes but the last few.
 */

/** What is given to the native search: the looked-for text from the byte on that is rare where it is used. */
interface Needle {
  readonly whole: Buffer;
  readonly bytes: Buffer;
  /** How many bytes of the text come before. */
  readonly before: number;
}

const key = Buffer.from('"id"');
/** Of \u0069 and \u0064, which are `i` and `d`. */
const escape = Buffer.from("\\u006");
// The native search looks for a needle's first byte, which costs up to 100 times more where that byte is frequent.
const keyNeedles = needles(key, 2);
const escapeNeedles = needles(escape, 3);
const escapeLength = 6;

const quote = 0x22;
const backslash = 0x5c;

/** So many bytes are searched here before the native search is called, which costs as much as reading them when a find is near. */
const nearBytes = 192;
/** So far back is looked for the brace that opened the object of a find. */
const backBytes = 128;
/** So many bytes of a string are read before its end is searched natively. */
const shortStringBytes = 32;
/** So many bytes of a chunk tell which needle is rare in it. */
const samples = 64;
/** A needle cut in two by the border of two chunks is found in this many bytes of each. */
const borderBytes = 5;

/** What `end` answers: no such key; or one that is not in its usual spelling, or a message that has no end. */
export const noOwnId = -1;
/** See `noOwnId`. */
export const unclearOwnId = -2;

export class IdWatch {
  #state: "search" | "string" | "colon" | "object" | "closed" = "search";
  /** Where the bytes of the present chunk begin in the message. */
  #base: number;
  /** Where the key began whose object is being read; -1 when it is not in its usual spelling. */
  #candidate = noOwnId;
  /** Of objects and arrays inside the candidate's. */
  #depth = 0;
  #inString = false;
  /** The next byte of the string is escaped. */
  #isEscaped = false;
  /** The last bytes of the chunk before. */
  #tail: Buffer = Buffer.alloc(0);
  /** The next finds in the present chunk: found once, good until they are passed. */
  #keyAt = 0;
  #escapeAt = 0;
  #keyNeedle: Needle = keyNeedles[0];
  #escapeNeedle: Needle = escapeNeedles[0];

  /** `position`: where in the message the first chunk begins; the bytes before are known. */
  constructor(position = 0) {
    this.#base = position;
  }

  push(chunk: Buffer): void {
    this.#chooseNeedles(chunk);
    let at = this.#state === "search" ? this.#searchBorder(chunk) : 0;
    let searchedFrom = at;
    while (at < chunk.length) {
      if (this.#state === "search") {
        searchedFrom = at;
        at = this.#search(chunk, at);
      } else {
        at = this.#read(chunk, at);
      }
    }
    this.#keepTail(chunk, searchedFrom);
    this.#base += chunk.length;
  }

  /** The message is whole: where the key `id` of its outermost object begins, `noOwnId`, or `unclearOwnId`. */
  end(): number {
    if (this.#state === "search") return noOwnId;
    return this.#state === "closed" && this.#candidate >= 0 ? this.#candidate : unclearOwnId;
  }

  /** Goes to the next find that could be the key; answers where reading goes on. */
  #search(chunk: Buffer, from: number): number {
    if (this.#keyAt >= 0 && this.#keyAt < from) this.#keyAt = this.#nextKey(chunk, from);
    if (this.#escapeAt >= 0 && this.#escapeAt < from) this.#escapeAt = nextOf(chunk, this.#escapeNeedle, from);
    while (this.#keyAt >= 0 || this.#escapeAt >= 0) {
      const isKey = this.#escapeAt < 0 || (this.#keyAt >= 0 && this.#keyAt < this.#escapeAt);
      const at = isKey ? this.#keyAt : this.#escapeAt;
      if (isKey ? this.#couldBeOwn(chunk, at) : isEscapeOf(chunk, at)) {
        this.#begin(isKey ? "colon" : "string", isKey ? this.#base + at : noOwnId);
        return Math.min(at + (isKey ? key.length : escapeLength), chunk.length);
      }
      if (isKey) this.#keyAt = this.#nextKey(chunk, at + 1);
      else this.#escapeAt = nextOf(chunk, this.#escapeNeedle, at + 1);
    }
    return chunk.length;
  }

  #begin(state: "colon" | "string", candidate: number): void {
    this.#state = state;
    this.#candidate = candidate;
    this.#isEscaped = false;
  }

  /** Reads on in the present state; answers where it ends. */
  #read(chunk: Buffer, from: number): number {
    switch (this.#state) {
      case "string": {
        const end = this.#stringEnd(chunk, from);
        if (end < 0) return chunk.length;
        this.#state = "colon";
        return end;
      }
      case "colon": {
        const at = skipSpace(chunk, from);
        if (at === chunk.length) return at;
        this.#state = chunk[at] === 0x3a ? "object" : "search";
        this.#depth = 0;
        this.#inString = false;
        return at;
      }
      case "object":
        return this.#readObject(chunk, from);
      case "closed": {
        const at = skipSpace(chunk, from);
        if (at < chunk.length) this.#state = "search";
        return at;
      }
      case "search":
        return from;
    }
  }

  /** Reads to the end of the object that holds the candidate. */
  #readObject(chunk: Buffer, from: number): number {
    let depth = this.#depth;
    let at = from;
    if (this.#inString) at = this.#afterString(chunk, at);
    while (at < chunk.length) {
      const kind = structure[chunk[at] as number] as number;
      at++;
      if (kind === plain) continue;
      if (kind === string) at = this.#afterString(chunk, at);
      else if (kind === open) depth++;
      else if (--depth < 0) {
        this.#state = "closed";
        return at;
      }
    }
    this.#depth = depth;
    return at;
  }

  #afterString(chunk: Buffer, from: number): number {
    const end = this.#stringEnd(chunk, from);
    this.#inString = end < 0;
    return end < 0 ? chunk.length : end;
  }

  /** The position after the quote that ends the string which `from` is in; -1 when the chunk ends before. */
  #stringEnd(chunk: Buffer, from: number): number {
    let at = this.#isEscaped ? from + 1 : from;
    const near = Math.min(chunk.length, at + shortStringBytes);
    for (; at < near; at++) {
      if (chunk[at] === backslash) at++;
      else if (chunk[at] === quote) {
        this.#isEscaped = false;
        return at + 1;
      }
    }
    while (at < chunk.length) {
      const found = chunk.indexOf(quote, at);
      const end = found < 0 ? chunk.length : found;
      const isEscaped = backslashesBefore(chunk, end, at) % 2 === 1;
      if (found >= 0 && !isEscaped) {
        this.#isEscaped = false;
        return found + 1;
      }
      at = isEscaped ? end + 1 : end;
    }
    // Behind the border: the chunk's last byte is the backslash.
    this.#isEscaped = at > chunk.length;
    return -1;
  }

  /** Whether the find at `at` is a key, and not provably an inner object's. */
  #couldBeOwn(chunk: Buffer, at: number): boolean {
    const before = at > 0 ? chunk[at - 1] : this.#tail.at(-1);
    // The end of a string in which a quote is escaped.
    if (before === backslash) return false;
    const after = skipSpace(chunk, at + key.length);
    if (after < chunk.length && chunk[after] !== 0x3a) return false;
    return this.#base + openerBefore(chunk, at) <= 0;
  }

  #nextKey(chunk: Buffer, from: number): number {
    let near = Math.min(from + nearBytes, chunk.length);
    let at = from;
    // Boyer, Moore and Horspool's search, which looks at every third or fourth byte.
    while (at + 3 < near) {
      const last = chunk[at + 3] as number;
      if (last === quote && chunk[at] === quote && chunk[at + 1] === 0x69 && chunk[at + 2] === 0x64) {
        // The first key of an object is an inner one's, because the outermost begins with another.
        if (chunk[at - 1] !== 0x7b) return at;
        near = Math.min(at + nearBytes, chunk.length);
      }
      at += keySkip[last] as number;
    }
    return nextOf(chunk, this.#keyNeedle, at);
  }

  /** What begins in the last chunk and ends in this one. */
  #searchBorder(chunk: Buffer): number {
    const before = this.#tail.length;
    if (before === 0) return 0;
    const border = Buffer.concat([this.#tail, chunk.subarray(0, borderBytes)]);
    for (let at = 0; at < before; at++) {
      const isKey = at + key.length > before && startsAt(border, key, at) && border[at - 1] !== backslash;
      const isEscape = at + escape.length > before && startsAt(border, escape, at);
      if (!isKey && !isEscape) continue;
      this.#begin(isKey ? "colon" : "string", isKey ? this.#base + at - before : noOwnId);
      return Math.min(at + (isKey ? key.length : escapeLength) - before, chunk.length);
    }
    return 0;
  }

  #keepTail(chunk: Buffer, searchedFrom: number): void {
    if (this.#state !== "search") {
      this.#tail = chunk.subarray(0, 0);
      return;
    }
    const joined = chunk.length < borderBytes && searchedFrom === 0 ? Buffer.concat([this.#tail, chunk]) : chunk;
    // A copy: it must not keep the whole chunk.
    this.#tail = Buffer.from(joined.subarray(Math.max(searchedFrom, joined.length - borderBytes)));
  }

  #chooseNeedles(chunk: Buffer): void {
    counts.fill(0);
    const step = Math.max(1, Math.floor(chunk.length / samples));
    for (let i = 0; i < chunk.length; i += step)
      counts[chunk[i] as number] = (counts[chunk[i] as number] as number) + 1;
    this.#keyNeedle = rarest(keyNeedles);
    this.#escapeNeedle = rarest(escapeNeedles);
    this.#keyAt = this.#nextKey(chunk, 0);
    this.#escapeAt = nextOf(chunk, this.#escapeNeedle, 0);
  }
}

/** How often each byte comes in the sample. */
const counts = new Uint16Array(256);

function rarest(choices: Needles): Needle {
  let [found] = choices;
  for (const needle of choices) if (countOf(needle) < countOf(found)) found = needle;
  return found;
}

function countOf(needle: Needle): number {
  return counts[needle.bytes[0] as number] as number;
}

type Needles = readonly [Needle, ...Needle[]];

/** The ways to look for `whole`, from each of its first bytes on. */
function needles(whole: Buffer, count: number): Needles {
  const from = (before: number): Needle => ({ whole, bytes: whole.subarray(before), before });
  return [from(0), ...Array.from({ length: count - 1 }, (_, i) => from(i + 1))];
}

/** Where what the needle stands for begins at or after `from`; -1 when it does not come whole. */
function nextOf(chunk: Buffer, needle: Needle, from: number): number {
  const { whole, bytes, before } = needle;
  for (let at = chunk.indexOf(bytes, from + before); at >= 0; at = chunk.indexOf(bytes, at + 1)) {
    if (startsAt(chunk, whole, at - before)) return at - before;
  }
  return -1;
}

/** Whether the escape at `at` stands for `i` or `d`, as far as can be seen. */
function isEscapeOf(chunk: Buffer, at: number): boolean {
  const digit = chunk[at + escape.length];
  return digit === undefined || digit === 0x39 || digit === 0x34;
}

const plain = 0;
const string = 1;
const open = 2;
const structure = new Uint8Array(256);
structure[quote] = string;
structure[0x7b] = structure[0x5b] = open;
structure[0x7d] = structure[0x5d] = 3;

/** How far the search for the key may go on when this is the byte that its last one was compared with. */
const keySkip = new Uint8Array(256).fill(4);
keySkip[quote] = 3;
keySkip[0x69] = 2;
keySkip[0x64] = 1;

/**
 * Where the object begins whose key is at `at`; `-Infinity` when that is too far back to be looked for. Backwards through whole
 * strings and values: a key is never inside one.
 */
function openerBefore(chunk: Buffer, at: number): number {
  const first = Math.max(0, at - backBytes);
  let depth = 0;
  for (let i = at - 1; i >= first; i--) {
    const kind = structure[chunk[i] as number] as number;
    if (kind === plain) continue;
    if (kind === string) {
      i = stringStart(chunk, i, first);
      if (i < 0) break;
    } else if (kind !== open) depth++;
    else if (depth === 0) return i;
    else depth--;
  }
  return -Infinity;
}

/** The opening quote of the string that the quote at `end` closes; -1 when it is not after `first`. */
function stringStart(chunk: Buffer, end: number, first: number): number {
  for (let i = end - 1; i > first; i--) {
    if (chunk[i] === quote && backslashesBefore(chunk, i, 0) % 2 === 0) return i;
  }
  return -1;
}

function backslashesBefore(chunk: Buffer, at: number, first: number): number {
  let i = at;
  while (i > first && chunk[i - 1] === backslash) i--;
  return at - i;
}

function skipSpace(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && isSpace(chunk[at] as number)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function startsAt(chunk: Buffer, wanted: Buffer, at: number): boolean {
  if (at < 0) return false;
  for (let i = 0; i < wanted.length; i++) if (chunk[at + i] !== wanted[i]) return false;
  return true;
}
