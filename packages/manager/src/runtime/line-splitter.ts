/**
 * Bytes to lines, whatever the chunks. Long lines are cut; control characters are taken out, so that no line can move a cursor on the
 * terminal it is shown on or hide a secret from redaction.
 */
import { stripVTControlCharacters } from "node:util";

const newline = 0x0a;
const cutMark = " … (cut)";

/** Hears of lines. */
export interface LineTaker {
  /** Asked once for each line, at its end; what is not wanted is not even decoded, so that a flood costs little. */
  accepts(): boolean;
  write(line: string): void;
}

/** Holds at most one line, and of that no more than may be shown. */
export class LineSplitter {
  readonly #bytesMax: number;
  readonly #taker: LineTaker;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isCut = false;

  constructor(bytesMax: number, taker: LineTaker) {
    this.#bytesMax = bytesMax;
    this.#taker = taker;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      if (this.#taker.accepts()) {
        this.#hold(chunk.subarray(start, end));
        this.#taker.write(this.#text());
      }
      this.#clear();
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  /** The last line may have no end. */
  end(): void {
    if (this.#heldBytes > 0 && this.#taker.accepts()) this.#taker.write(this.#text());
    this.#clear();
  }

  #hold(part: Buffer): void {
    const room = this.#bytesMax - this.#heldBytes;
    if (part.length > room) this.#isCut = true;
    if (part.length === 0 || room === 0) return;
    // A copy, lest a few bytes keep a whole chunk alive.
    const kept = Buffer.from(part.subarray(0, room));
    this.#held.push(kept);
    this.#heldBytes += kept.length;
  }

  #text(): string {
    const bytes = this.#held.length === 1 ? (this.#held[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#held);
    return plain(this.#isCut ? withoutHalfCharacter(bytes).toString("utf8") + cutMark : bytes.toString("utf8"));
  }

  #clear(): void {
    if (this.#heldBytes > 0) this.#held = [];
    this.#heldBytes = 0;
    this.#isCut = false;
  }
}

function withoutHalfCharacter(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  const first = bytes[start] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return start + length > bytes.length ? bytes.subarray(0, start) : bytes;
}

function plain(line: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters it is about
  return stripVTControlCharacters(line).replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, "");
}
