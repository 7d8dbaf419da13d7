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
import { skipSpace } from "./json.ts";
import { backslashesBefore, open, openerBefore, plain, string, structureOf } from "./json-structure.ts";
import { RareSearch, startsAt, takeSample } from "./rare-search.ts";

const key = Buffer.from('"id"');
/** Of \u0069 and \u0064, which are `i` and `d`. */
const escape = Buffer.from("\\u006");
const escapeLength = 6;

const quote = 0x22;
const backslash = 0x5c;

/** So many bytes are searched here before the native search is called, which costs as much as reading them when a find is near. */
const nearBytes = 192;
/** So far back is looked for the brace that opened the object of a find. */
const backBytes = 128;
/** So many bytes of a string are read before its end is searched natively. */
const shortStringBytes = 32;
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
  readonly #keySearch = new RareSearch(key, 2);
  readonly #escapeSearch = new RareSearch(escape, 3);

  /** `position`: where in the message the first chunk begins; the bytes before are known. */
  constructor(position = 0) {
    this.#base = position;
  }

  push(chunk: Buffer): void {
    this.#lookAt(chunk);
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
    if (this.#escapeAt >= 0 && this.#escapeAt < from) this.#escapeAt = this.#escapeSearch.next(chunk, from);
    while (this.#keyAt >= 0 || this.#escapeAt >= 0) {
      const isKey = this.#escapeAt < 0 || (this.#keyAt >= 0 && this.#keyAt < this.#escapeAt);
      const at = isKey ? this.#keyAt : this.#escapeAt;
      if (isKey ? this.#couldBeOwn(chunk, at) : isEscapeOf(chunk, at)) {
        this.#begin(isKey ? "colon" : "string", isKey ? this.#base + at : noOwnId);
        return Math.min(at + (isKey ? key.length : escapeLength), chunk.length);
      }
      if (isKey) this.#keyAt = this.#nextKey(chunk, at + 1);
      else this.#escapeAt = this.#escapeSearch.next(chunk, at + 1);
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
      const kind = structureOf[chunk[at] as number] as number;
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
    return this.#base + openerBefore(chunk, at, backBytes) <= 0;
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
    return this.#keySearch.next(chunk, at);
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

  #lookAt(chunk: Buffer): void {
    takeSample(chunk);
    this.#keySearch.choose();
    this.#escapeSearch.choose();
    this.#keyAt = this.#nextKey(chunk, 0);
    this.#escapeAt = this.#escapeSearch.next(chunk, 0);
  }
}

/** Whether the escape at `at` stands for `i` or `d`, as far as can be seen. */
function isEscapeOf(chunk: Buffer, at: number): boolean {
  const digit = chunk[at + escape.length];
  return digit === undefined || digit === 0x39 || digit === 0x34;
}

/** How far the search for the key may go on when this is the byte that its last one was compared with. */
const keySkip = new Uint8Array(256).fill(4);
keySkip[quote] = 3;
keySkip[0x69] = 2;
keySkip[0x64] = 1;
