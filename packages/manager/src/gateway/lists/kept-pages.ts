/**
 * Pages that are ready to be sent, bounded in number and in bytes; those that nobody asked for lately are forgotten. Two
 * generations, of which the older is dropped when the younger is half of what may be kept. Knows nothing of what makes a page old.
 */

/** How much of it is kept counts for what it is: the bytes that it holds on to. */
export interface Sized {
  readonly bytes: number;
}

/** What an entry takes besides its bytes and its key: buffers, map slots. An estimate. */
const entryOverheadBytes = 512;

export class KeptPages<V extends Sized> {
  readonly #halfEntries: number;
  readonly #halfBytes: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** Keeps at least the last half of what may be kept, as it was used. */
  constructor(entriesMax: number, bytesMax: number) {
    this.#halfEntries = Math.max(1, Math.floor(entriesMax / 2));
    this.#halfBytes = Math.floor(bytesMax / 2);
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Replaces what was kept under the key; a page that is more than half of what may be kept is not kept at all. */
  set(key: string, page: V): void {
    this.#delete(key);
    const bytes = sizeOf(key, page);
    if (bytes > this.#halfBytes) return;
    if (this.#young.size >= this.#halfEntries || this.#youngBytes + bytes > this.#halfBytes) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, page);
    this.#youngBytes += bytes;
  }

  #delete(key: string): void {
    const young = this.#young.get(key);
    const old = this.#old.get(key);
    if (young !== undefined) this.#youngBytes -= sizeOf(key, young);
    if (old !== undefined) this.#oldBytes -= sizeOf(key, old);
    this.#young.delete(key);
    this.#old.delete(key);
  }
}

function sizeOf(key: string, { bytes }: Sized): number {
  return bytes + key.length * 2 + entryOverheadBytes;
}
