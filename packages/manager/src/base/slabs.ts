/**
 * Memory that long answers are read into and written from, used again and again: 64 KiB a read that are left to the garbage collector
 * are memory outside the heap, of which every 64 MB cost a full collection, half of what relaying a large result took.
 *
 *   take ──▶ a read fills it ──▶ lend ──▶ the view passes through ──▶ giveBack, once it is written
 *                                   └──▶ anything else: the collector takes view and slab, as it takes any buffer
 *
 * Only who has the very view that was lent, alone, and needs it no more, may give it back. Nobody has to.
 */

/** Shorter pieces of what was read are copied out, and nothing is lent with them. */
export const lentBytesMin = 16_384;
/** What one read may bring. */
export const slabBytes = 65_536;
/** The same for a long answer under way: fewer, longer reads and writes. */
const longSlabBytes = 262_144;
/** Bytes kept of either kind for later; those of a peak go. */
const keptBytesMax = 8_388_608;

const slabOf: unique symbol = Symbol("slab");

interface Lent extends Buffer {
  [slabOf]?: Buffer | undefined;
}

export class Slabs {
  readonly #free: Buffer[] = [];
  readonly #freeLong: Buffer[] = [];

  /** Memory nobody else has. What is in it is another's. */
  take(isLong = false): Buffer {
    return isLong
      ? (this.#freeLong.pop() ?? Buffer.allocUnsafeSlow(longSlabBytes))
      : (this.#free.pop() ?? Buffer.allocUnsafeSlow(slabBytes));
  }

  /** A view on a part of a slab, which is its holder's from now on: whoever lends does not touch the slab again. */
  lend(slab: Buffer, start: number, end: number): Buffer {
    const view: Lent = slab.subarray(start, end);
    view[slabOf] = slab;
    return view;
  }

  /** A part of what was lent, to which the loan goes over: nobody may need the rest. Of any other buffer just a part. */
  part(view: Buffer, start: number, end: number): Buffer {
    if (start === 0 && end === view.length) return view;
    const lent: Lent = view;
    const slab = lent[slabOf];
    const part: Lent = view.subarray(start, end);
    if (slab === undefined) return part;
    lent[slabOf] = undefined;
    part[slabOf] = slab;
    return part;
  }

  /** Takes back what was lent; of any other buffer, or a second time, nothing happens. */
  giveBack(view: Buffer): void {
    const lent: Lent = view;
    const slab = lent[slabOf];
    if (slab === undefined) return;
    lent[slabOf] = undefined;
    this.putBack(slab);
  }

  /** Takes back a slab of which nothing was lent. */
  putBack(slab: Buffer): void {
    const free = slab.length === longSlabBytes ? this.#freeLong : this.#free;
    if ((free.length + 1) * slab.length <= keptBytesMax) free.push(slab);
  }
}

/** The program's own: memory belongs to no room. */
export const slabs: Slabs = new Slabs();
