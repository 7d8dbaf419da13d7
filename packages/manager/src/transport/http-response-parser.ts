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
import { ManagerError } from "@mcp-manager/api";

/** The header fields of one response. */
export interface HttpHeaders {
  /** The value of a field, by its name in lower case; several of one name are joined by ", ". */
  get(name: string): string | undefined;
}

/** Hears the parts of one response in order. */
export interface ResponseSink {
  onHead(status: number, headers: HttpHeaders): void;
  /** Bytes [start, end) of the buffer that was pushed, valid until the call returns. */
  onBody(bytes: Buffer, start: number, end: number): void;
}

type State = "head" | "sized" | "open" | "size" | "data" | "gap" | "trailer" | "done";

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HTAB = 0x09;
const COLON = 0x3a;

/** Characters of a field name (RFC 9110, section 5.6.2, token). */
const tokenBytes = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  tokenBytes[char.charCodeAt(0)] = 1;

/** Longest line that gives a chunk's size, extensions included; nobody sends extensions. */
const chunkLineBytesMax = 256;

const incomplete = -1;
const headEndMark = Buffer.from("\r\n\r\n");

export class HttpResponseParser {
  readonly #sink: ResponseSink;
  readonly #headerBytesMax: number;
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
  /** Where name and value of each field stand in the head: four numbers a field. */
  #offsets: number[] = [];

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
    const end = this.#parseHead(bytes, at, Math.min(length, at + this.#headerBytesMax));
    if (end !== incomplete) return end;
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
    if (this.#parseHead(head, 0, end) !== end) throw malformed("the header section is malformed");
    return at + end - known.length;
  }

  /** Reads a head that begins at `start`; gives the position after it, or `incomplete`. Changes nothing when incomplete. */
  #parseHead(bytes: Buffer, start: number, limit: number): number {
    const status = statusAt(bytes, start, limit);
    let at = status < 0 ? incomplete : lineEnd(bytes, start + 12, limit);
    const offsets = this.#offsets;
    offsets.length = 0;
    for (;;) {
      if (at === incomplete) return incomplete;
      if (at >= limit) return incomplete;
      if (bytes[at] === CR) break;
      const nameStart = at;
      while (at < limit && tokenBytes[bytes[at] as number] === 1) at++;
      if (at >= limit) return incomplete;
      if (at === nameStart || bytes[at] !== COLON) throw malformed("a header line has no valid name");
      const nameEnd = at++;
      while (at < limit && (bytes[at] === SP || bytes[at] === HTAB)) at++;
      const valueStart = at;
      at = lineEnd(bytes, at, limit);
      if (at === incomplete) return incomplete;
      let valueEnd = at - 2;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
      offsets.push(nameStart - start, nameEnd - start, valueStart - start, valueEnd - start);
    }
    if (at + 1 >= limit) return incomplete;
    if (bytes[at + 1] !== LF) throw malformed("a line ends without a line feed");
    this.#onHead(bytes, start, at, status);
    return at + 2;
  }

  #onHead(bytes: Buffer, start: number, end: number, status: number): void {
    const headers = new HeaderBlock(bytes.toString("latin1", start, end), this.#offsets);
    if (status < 200) {
      if (status === 101) throw malformed("it switched protocols without being asked");
      this.#state = "head";
      return;
    }
    this.#offsets = [];
    this.#frame(bytes[start + 7] === 0x31, status, headers);
    this.#sink.onHead(status, headers);
  }

  /** How long the body is (RFC 9112, section 6.3). */
  #frame(isHttp11: boolean, status: number, headers: HeaderBlock): void {
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

/** Fields of one head: its text, and where names and values stand in it. */
class HeaderBlock implements HttpHeaders {
  readonly #text: string;
  readonly #offsets: readonly number[];

  constructor(text: string, offsets: readonly number[]) {
    this.#text = text;
    this.#offsets = offsets;
  }

  get(name: string): string | undefined {
    const text = this.#text;
    const offsets = this.#offsets;
    let value: string | undefined;
    for (let i = 0; i < offsets.length; i += 4) {
      const start = offsets[i] as number;
      const end = offsets[i + 1] as number;
      if (end - start !== name.length || !isName(text, start, name)) continue;
      const found = text.slice(offsets[i + 2], offsets[i + 3]);
      value = value === undefined ? found : `${value}, ${found}`;
    }
    return value;
  }
}

/** Whether `name`, in lower case, stands at `start`, in any case. Both are of token characters, so one bit tells the cases apart. */
function isName(text: string, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = text.charCodeAt(start + i);
    const lower = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}

const versionPrefix = Buffer.from("HTTP/1.");

/** The status of a status line at `start`, or `incomplete`; throws as soon as it cannot be one. */
function statusAt(bytes: Buffer, start: number, limit: number): number {
  for (let i = 0; i < versionPrefix.length; i++) {
    if (start + i >= limit) return incomplete;
    if (bytes[start + i] !== versionPrefix[i]) throw malformed("it is not HTTP/1.1");
  }
  if (limit - start < 13) return incomplete;
  const minor = bytes[start + 7] as number;
  const status = digitsAt(bytes, start + 9);
  const after = bytes[start + 12];
  const isLine = (minor === 0x30 || minor === 0x31) && bytes[start + 8] === SP && (after === SP || after === CR);
  if (!isLine || status < 100) throw malformed("its status line is malformed");
  return status;
}

/** Three decimal digits as a number, or -1. */
function digitsAt(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** The position after the line end of the text that stands at `at`, or `incomplete`. */
function lineEnd(bytes: Buffer, start: number, limit: number): number {
  for (let at = start; at < limit; at++) {
    const byte = bytes[at] as number;
    if (byte === CR) {
      if (at + 1 >= limit) return incomplete;
      if (bytes[at + 1] !== LF) throw malformed("a line ends without a line feed");
      return at + 2;
    }
    if (byte < SP || byte === 0x7f) requireText(byte);
  }
  return incomplete;
}

/** Field values are visible characters, spaces, tabs and bytes above ASCII (RFC 9110, section 5.5). */
function requireText(byte: number): void {
  if ((byte < SP && byte !== HTAB) || byte === 0x7f) throw malformed("it has a control character where text belongs");
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function hasClose(connection: string): boolean {
  return connection.split(",").some((option) => option.trim().toLowerCase() === "close");
}

function malformed(what: string): ManagerError {
  return new ManagerError("protocol_error", `the HTTP response is malformed: ${what}`, { reason: "MALFORMED_HTTP" });
}
