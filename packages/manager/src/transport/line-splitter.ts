/**
 * Lines out of a stream of bytes that is cut anywhere. A line that stands whole in one chunk is a view on it; one that spans
 * chunks is put together by a single copy. LF and CRLF end a line, a byte order mark before the first is dropped, empty lines
 * are read over. It holds at most one unfinished line of bounded length, and knows nothing of what lines say.
 */
import { messageRoom } from "./remap.ts";

/** Hears lines in order. */
export interface LineSink {
  /** `isOwn`: the line has memory of its own, with `messageRoom` free bytes before and after it. */
  onLine(line: Buffer, isOwn: boolean): void;
  /** A line is longer than allowed; nothing comes any more. */
  onLineTooLong(): void;
}

/** Parts below this are merged, so that a line that trickles in byte by byte does not cost an object for each. */
const smallPartBytes = 1_024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export class LineSplitter {
  readonly #sink: LineSink;
  readonly #lineBytesMax: number;
  /** The parts of the line whose end has not come yet. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  #isFirstLine = true;
  #isClosed = false;

  constructor(sink: LineSink, lineBytesMax: number) {
    this.#sink = sink;
    this.#lineBytesMax = lineBytesMax;
  }

  /** Takes the next bytes, which are not changed by anybody afterwards. */
  push(chunk: Buffer): void {
    let at = 0;
    while (!this.#isClosed) {
      const end = chunk.indexOf(lineFeed, at);
      const length = this.#partBytes + (end < 0 ? chunk.length : end) - at;
      if (length > this.#lineBytesMax) return this.#refuse();
      if (end < 0) return this.#keep(chunk.subarray(at));
      if (this.#partBytes === 0) this.#tell(chunk.subarray(at, end), false);
      else this.#tell(this.#join(chunk.subarray(at, end)), true);
      at = end + 1;
    }
  }

  /** Tells nothing any more and forgets what it holds. */
  close(): void {
    this.#isClosed = true;
    this.#parts = [];
    this.#partBytes = 0;
  }

  #refuse(): void {
    this.close();
    this.#sink.onLineTooLong();
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#partBytes += part.length;
    let last = part;
    // Like counting in binary: a small part merges with one that is no longer, so each byte is copied a few times at most.
    for (let before = this.#parts.at(-1); before !== undefined; before = this.#parts.at(-1)) {
      if (before.length >= smallPartBytes || before.length > last.length) break;
      this.#parts.pop();
      last = Buffer.concat([before, last]);
    }
    this.#parts.push(last);
  }

  #join(end: Buffer): Buffer {
    const length = this.#partBytes + end.length;
    const whole = Buffer.allocUnsafeSlow(length + 2 * messageRoom);
    let at = messageRoom;
    for (const part of this.#parts) at += part.copy(whole, at);
    end.copy(whole, at);
    this.#parts = [];
    this.#partBytes = 0;
    return whole.subarray(messageRoom, messageRoom + length);
  }

  #tell(line: Buffer, isOwn: boolean): void {
    let start = 0;
    let end = line.length;
    if (end > 0 && line[end - 1] === carriageReturn) end--;
    if (this.#isFirstLine) {
      this.#isFirstLine = false;
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) start = 3;
    }
    if (start === end) return;
    this.#sink.onLine(start === 0 && end === line.length ? line : line.subarray(start, end), isOwn);
  }
}
