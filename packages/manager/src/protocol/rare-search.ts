/**
 * Native search for a short text in long ones. It looks for the text's first byte, which costs up to 100 times more where that byte is
 * frequent; so it is given the text from that one of its first bytes on which a sample says is rare, and the rest is compared here.
 */

/** The text from one of its bytes on. */
interface Needle {
  readonly bytes: Buffer;
  /** How many bytes of the text come before. */
  readonly before: number;
}

/** So many bytes of what is searched tell which needle is rare in it. */
const samples = 64;
const counts = new Uint16Array(256);

/** Looks at what is to be searched: the next `choose` of any search is by this. */
export function takeSample(bytes: Buffer): void {
  counts.fill(0);
  const step = Math.max(1, Math.floor(bytes.length / samples));
  for (let i = 0; i < bytes.length; i += step) counts[bytes[i] as number] = (counts[bytes[i] as number] as number) + 1;
}

export class RareSearch {
  readonly #text: Buffer;
  readonly #needles: readonly Needle[];
  #needle: Needle;

  /** `starts`: how many of the first bytes may be the one that is looked for. */
  constructor(text: Buffer, starts: number) {
    this.#text = text;
    this.#needle = { bytes: text, before: 0 };
    this.#needles = Array.from({ length: starts }, (_, before) => ({ bytes: text.subarray(before), before }));
  }

  /** Takes the needle that is rare by the sample taken last. */
  choose(): void {
    for (const needle of this.#needles) if (countOf(needle) < countOf(this.#needle)) this.#needle = needle;
  }

  /** Where the text begins at or after `from`; -1 when it does not come whole. */
  next(bytes: Buffer, from: number): number {
    const { bytes: needle, before } = this.#needle;
    for (let at = bytes.indexOf(needle, from + before); at >= 0; at = bytes.indexOf(needle, at + 1)) {
      if (startsAt(bytes, this.#text, at - before)) return at - before;
    }
    return -1;
  }
}

function countOf(needle: Needle): number {
  return counts[needle.bytes[0] as number] as number;
}

/** Whether `wanted` stands at `at`. */
export function startsAt(bytes: Buffer, wanted: Buffer, at: number): boolean {
  if (at < 0) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}
