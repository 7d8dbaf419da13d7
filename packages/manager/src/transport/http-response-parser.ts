/**
 * Reads HTTP/1.1 responses from bytes as they arrive, one response at a time, cut anywhere. Strict where two readers could
 * disagree about where a response ends (RFC 9112): bare CR or LF, folded lines, space before the colon, more than one length, a
 * length beside chunks, all are refused. It owns no socket and no memory but an unfinished head.
 *
 *   head ──▶ sized ──▶ done        Content-Length
 *     │ ├──▶ open  ──▶ (finish)    until the connection closes
 *     │ ├──▶ size ⇄ data ⇄ gap ──▶ trailer ──▶ done   chunks
 *     │ └──▶ done                  no body: 204, 304
 *     └──▶ head                    1xx is read over
 */
import type { ManagerError } from "@mcp-manager/api";
import { CR, HeadReader, HTAB, type HttpHeaders, incomplete, LF, malformed, requireText, SP } from "./http-head.ts";

/** Hears the parts of one response in order. */
export interface ResponseSink {
  onHead(status: number, headers: HttpHeaders): void;
  /** Bytes [start, end) of the buffer that was pushed, valid until the call returns. */
  onBody(bytes: Buffer, start: number, end: number): void;
}

type State = "head" | "sized" | "open" | "size" | "data" | "gap" | "trailer" | "done";

/** Longest line that gives a chunk's size, extensions included; nobody sends extensions. */
const chunkLineBytesMax = 256;

const headEndMark = Buffer.from("\r\n\r\n");

export class HttpResponseParser {
  readonly #sink: ResponseSink;
  readonly #headerBytesMax: number;
  readonly #reader = new HeadReader();
  #state: State = "done";
  #noBody = false;
  #keepAlive = false;
  /** Bytes of a head whose end has not come yet. */
  #pending: Buffer | undefined;
  /** Bytes of the body, or of the chunk, still to come. */
  #remaining = 0;
  /** Bytes of the present chunk-size line or trailer section. */
  #lineBytes = 0;
  #sizeDigits = 0;
  #inExtension = false;
  #sawCr = false;
  #trailerLineBytes = 0;

  /** `headerBytesMax` bounds a head, and a trailer section. */
  constructor(sink: ResponseSink, headerBytesMax: number) {
    this.#sink = sink;
    this.#headerBytesMax = headerBytesMax;
  }

  /** Expects a response from here on. `noBody`: the request was HEAD. */
  expect(noBody: boolean): void {
    this.#state = "head";
    this.#noBody = noBody;
    this.#keepAlive = false;
    this.#pending = undefined;
  }

  /** Whether the response is complete (or none was expected). */
  get done(): boolean {
    return this.#state === "done";
  }

  /** Whether the connection may carry another request, once the response is complete. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /**
   * Takes the bytes [0, length) of `bytes`; gives how many belonged to the response (fewer only when it is complete). Throws a
   * `protocol_error` at the first byte that cannot be; the connection is of no use then.
   */
  push(bytes: Buffer, length: number): number {
    let at = 0;
    while (at < length && this.#state !== "done") at = this.#step(bytes, at, length);
    return at;
  }

  /** The connection has ended. Throws when the response has not. */
  finish(): void {
    if (this.#state === "open") this.#state = "done";
    else if (this.#state !== "done") throw malformed("the connection was closed in the middle of the response");
  }

  #step(bytes: Buffer, at: number, length: number): number {
    switch (this.#state) {
      case "head":
        return this.#pending === undefined ? this.#head(bytes, at, length) : this.#headContinued(bytes, at, length);
      case "sized":
      case "data":
        return this.#body(bytes, at, length);
      case "open":
        this.#sink.onBody(bytes, at, length);
        return length;
      case "size":
        return this.#chunkSize(bytes, at, length);
      case "gap":
        return this.#chunkGap(bytes, at);
      case "trailer":
        return this.#trailer(bytes, at, length);
      case "done":
        return length;
    }
  }

  /** The usual case: the whole head in one piece. What is unfinished is kept, as a copy, until its end has come. */
  #head(bytes: Buffer, at: number, length: number): number {
    const end = this.#reader.read(bytes, at, Math.min(length, at + this.#headerBytesMax));
    if (end !== incomplete) {
      this.#onHead();
      return end;
    }
    if (length - at >= this.#headerBytesMax) throw this.#tooLong();
    this.#pending = Buffer.from(bytes.subarray(at, length));
    return length;
  }

  #headContinued(bytes: Buffer, at: number, length: number): number {
    const known = this.#pending as Buffer;
    const head = Buffer.concat([known, bytes.subarray(at, Math.min(length, at + this.#headerBytesMax - known.length))]);
    const mark = head.indexOf(headEndMark, Math.max(0, known.length - 3));
    if (mark < 0) {
      if (head.length >= this.#headerBytesMax) throw this.#tooLong();
      this.#pending = head;
      return length;
    }
    this.#pending = undefined;
    const end = mark + headEndMark.length;
    if (this.#reader.read(head, 0, end) !== end) throw malformed("the header section is malformed");
    this.#onHead();
    return at + end - known.length;
  }

  #onHead(): void {
    const { status, isHttp11, headers } = this.#reader;
    if (status === 101) throw malformed("it switched protocols without being asked");
    if (status < 200) {
      this.#state = "head";
      return;
    }
    this.#frame(isHttp11, status, headers);
    this.#sink.onHead(status, headers);
  }

  /** How long the body is (RFC 9112, section 6.3). */
  #frame(isHttp11: boolean, status: number, headers: HttpHeaders): void {
    const encoding = headers.get("transfer-encoding");
    const length = headers.get("content-length");
    const connection = headers.get("connection");
    this.#keepAlive = isHttp11 && (connection === undefined || !hasClose(connection));
    if (encoding !== undefined) {
      if (length !== undefined) throw malformed("it has both Content-Length and Transfer-Encoding");
      if (!isHttp11 || encoding.toLowerCase() !== "chunked") throw malformed("its Transfer-Encoding is not chunked");
    }
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw malformed("its Content-Length is not one number");
    if (this.#noBody || status === 204 || status === 304) {
      this.#state = "done";
    } else if (encoding !== undefined) {
      this.#beginChunk();
    } else if (length !== undefined) {
      this.#remaining = Number(length);
      this.#state = this.#remaining === 0 ? "done" : "sized";
    } else {
      this.#keepAlive = false;
      this.#state = "open";
    }
  }

  #body(bytes: Buffer, at: number, length: number): number {
    const end = Math.min(length, at + this.#remaining);
    this.#remaining -= end - at;
    // The state moves first: the sink may look at it.
    if (this.#remaining === 0) {
      if (this.#state === "sized") this.#state = "done";
      else this.#beginGap();
    }
    this.#sink.onBody(bytes, at, end);
    return end;
  }

  #beginChunk(): void {
    this.#state = "size";
    this.#remaining = 0;
    this.#lineBytes = 0;
    this.#sizeDigits = 0;
    this.#inExtension = false;
    this.#sawCr = false;
  }

  #chunkSize(bytes: Buffer, start: number, length: number): number {
    for (let at = start; at < length; at++) {
      const byte = bytes[at] as number;
      if (++this.#lineBytes > chunkLineBytesMax) throw malformed("the line of a chunk's size is too long");
      if (this.#sawCr) {
        if (byte !== LF) throw malformed("a line ends without a line feed");
        if (this.#sizeDigits === 0) throw malformed("a chunk has no size");
        if (this.#remaining === 0) this.#beginTrailer();
        else this.#state = "data";
        return at + 1;
      }
      if (byte === CR) this.#sawCr = true;
      else if (this.#inExtension) requireText(byte);
      else this.#sizeByte(byte);
    }
    return length;
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      // 12 digits stay below 2^48, far from where numbers lose their last bit.
      if (++this.#sizeDigits > 12) throw malformed("a chunk is too large");
      this.#remaining = this.#remaining * 16 + digit;
    } else if (this.#sizeDigits > 0 && (byte === 0x3b || byte === SP || byte === HTAB)) {
      this.#inExtension = true;
    } else {
      throw malformed("a chunk's size is not hexadecimal");
    }
  }

  #beginGap(): void {
    this.#state = "gap";
    this.#sawCr = false;
  }

  /** The line end after a chunk's data. */
  #chunkGap(bytes: Buffer, at: number): number {
    if (bytes[at] !== (this.#sawCr ? LF : CR)) throw malformed("a chunk is longer than its size");
    if (this.#sawCr) this.#beginChunk();
    else this.#sawCr = true;
    return at + 1;
  }

  #beginTrailer(): void {
    this.#state = "trailer";
    this.#lineBytes = 0;
    this.#trailerLineBytes = 0;
    this.#sawCr = false;
  }

  /** Trailer fields are read over: nothing that MCP says stands there. */
  #trailer(bytes: Buffer, start: number, length: number): number {
    for (let at = start; at < length; at++) {
      const byte = bytes[at] as number;
      if (++this.#lineBytes > this.#headerBytesMax) throw this.#tooLong();
      if (this.#sawCr) {
        if (byte !== LF) throw malformed("a line ends without a line feed");
        if (this.#trailerLineBytes === 0) {
          this.#state = "done";
          return at + 1;
        }
        this.#sawCr = false;
        this.#trailerLineBytes = 0;
      } else if (byte === CR) {
        this.#sawCr = true;
      } else {
        requireText(byte);
        this.#trailerLineBytes++;
      }
    }
    return length;
  }

  #tooLong(): ManagerError {
    return malformed(`its headers are longer than ${this.#headerBytesMax} bytes`);
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function hasClose(connection: string): boolean {
  return connection.split(",").some((option) => option.trim().toLowerCase() === "close");
}
