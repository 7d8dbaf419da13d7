/**
 * Lines that wait to be written, as bytes in one block that is reused: text that is kept for a while would outlive the young
 * generation and cost the collector more than the lines cost to make.
 */

const firstBytes = 64 * 1024;

export class LineBuffer {
  readonly #bytesMax: number;
  #block: Buffer;
  /** The block of the batch that was taken last; its turn comes when that has been written. */
  #spare: Buffer | undefined;
  #length = 0;
  #lines = 0;

  /** `bytesMax` is what may wait at most. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#block = this.#newBlock(firstBytes);
  }

  get isEmpty(): boolean {
    return this.#lines === 0;
  }

  /** Takes a line, its end included; false when there is no room. */
  add(line: string): boolean {
    // A character takes three bytes at most.
    if (this.#length + line.length * 3 > this.#block.length && !this.#grow(Buffer.byteLength(line))) return false;
    this.#length += this.#block.write(line, this.#length);
    this.#lines += 1;
    return true;
  }

  /** All that waits; good until the next `take`. */
  take(): { readonly bytes: Buffer; readonly lines: number } {
    const taken = { bytes: this.#block.subarray(0, this.#length), lines: this.#lines };
    const next = this.#spare ?? this.#newBlock(firstBytes);
    this.#spare = this.#block;
    this.#block = next;
    this.#length = 0;
    this.#lines = 0;
    return taken;
  }

  /** Makes room for so many bytes; false when that would be too much. */
  #grow(bytes: number): boolean {
    const needed = this.#length + bytes;
    if (needed > this.#bytesMax) return false;
    if (needed <= this.#block.length) return true;
    const grown = this.#newBlock(Math.max(needed, 2 * this.#block.length));
    this.#block.copy(grown, 0, 0, this.#length);
    this.#block = grown;
    return true;
  }

  #newBlock(bytes: number): Buffer {
    return Buffer.allocUnsafeSlow(Math.min(bytes, this.#bytesMax));
  }
}
