/**
 * Which members a reader of JSON wants to know the place of, and where they were found. Keys are compared as they are written,
 * escapes included; nothing is decoded and nothing copied.
 */

const backslash = 0x5c;
const slash = 0x2f;
const letterU = 0x75;

/** Where members were found: a start and an end for each slot, -1 when absent. */
export class MemberRanges {
  readonly #ends: number[];
  #repeated: number[] | undefined;

  constructor(slotCount: number) {
    const empty = (emptyRanges[slotCount] ??= Array.from({ length: slotCount * 2 }, () => -1));
    this.#ends = empty.slice();
  }

  /** The slots of members that came twice. The range kept of each is that of its first coming. */
  get repeated(): readonly number[] {
    return this.#repeated ?? noSlots;
  }

  /** Notes a member's range; a second range for one slot is only noted in `repeated`. */
  record(slot: number, start: number, end: number): void {
    const at = slot * 2;
    if (this.#ends[at] === -1) {
      this.#ends[at] = start;
      this.#ends[at + 1] = end;
    } else if (!this.repeated.includes(slot)) {
      this.#repeated = [...this.repeated, slot];
    }
  }

  /** The position of the value's first byte, or -1. */
  start(slot: number): number {
    return this.#ends[slot * 2] as number;
  }

  /** The position after the value's last byte, or -1. */
  end(slot: number): number {
    return this.#ends[slot * 2 + 1] as number;
  }
}

const noSlots: readonly number[] = [];

/** One array of -1 for each size in use: copying it is the cheapest way to a fresh one. */
const emptyRanges: (number[] | undefined)[] = [];

/** One member that a reader wants to know the place of. */
interface KeyEntry {
  readonly text: string;
  readonly bytes: Buffer;
  readonly slot: number;
  readonly nested: KeyTable | undefined;
}

/** The members of one object that a reader wants to know the place of. Any spelling of a key finds it, escaped ones too. */
export class KeyTable {
  readonly #entries: readonly KeyEntry[];
  readonly #byLength: (readonly KeyEntry[] | undefined)[] = [];

  /** Keys are ASCII. `slot` is where a member's range is kept; `nested` looks into the member's value when that is an object. */
  constructor(
    entries: Iterable<{ readonly text: string; readonly slot: number; readonly nested?: KeyTable | undefined }>,
  ) {
    this.#entries = Array.from(entries, ({ text, slot, nested }) => ({
      text,
      bytes: Buffer.from(text),
      slot,
      nested,
    }));
    for (const entry of this.#entries) {
      const length = entry.bytes.length;
      while (this.#byLength.length <= length) this.#byLength.push(undefined);
      this.#byLength[length] = [...(this.#byLength[length] ?? []), entry];
    }
  }

  /** The entry that is written in `bytes[start, end)`: the inside of a valid string, without its quotes. */
  find(bytes: Buffer, start: number, end: number): KeyEntry | undefined {
    const length = end - start;
    const candidates = length < this.#byLength.length ? this.#byLength[length] : undefined;
    if (candidates !== undefined) {
      for (let i = 0; i < candidates.length; i++) {
        const entry = candidates[i] as KeyEntry;
        if (sameBytes(entry.bytes, bytes, start)) return entry;
      }
    }
    if (!hasBackslash(bytes, start, end)) return undefined;
    return this.#entries.find((entry) => spells(entry.bytes, bytes, start, end));
  }
}

/** Whether `bytes[start, end)`, the inside of a valid string, is a spelling of the ASCII text `wanted`. Decodes nothing. */
function spells(wanted: Buffer, bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  for (let i = 0; i < wanted.length; i++) {
    if (at >= end || characterAt(bytes, at) !== wanted[i]) return false;
    at += bytes[at] !== backslash ? 1 : bytes[at + 1] === letterU ? 6 : 2;
  }
  return at === end;
}

/** The byte at `at`, or what the escape that begins there stands for; -1 for what no key in a table has. */
function characterAt(bytes: Buffer, at: number): number {
  const byte = bytes[at] as number;
  if (byte !== backslash) return byte;
  const kind = bytes[at + 1] as number;
  if (kind !== letterU) return kind === slash ? kind : -1;
  let code = 0;
  for (let i = at + 2; i < at + 6; i++) code = code * 16 + (hexValue[bytes[i] as number] as number);
  return code;
}

/** The value of a hexadecimal digit, -1 for any other byte. */
export const hexValue: Int8Array = Int8Array.from({ length: 256 }, (_, byte) =>
  "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase()),
);

/** Whether `wanted` stands at `at`. */
export function sameBytes(wanted: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = wanted.length - 1; i >= 0; i--) if (wanted[i] !== bytes[at + i]) return false;
  return true;
}

/** Whether [start, end) has an escape in it. */
export function hasBackslash(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === backslash) return true;
  return false;
}
