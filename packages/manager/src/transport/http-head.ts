/**
 * The head of an HTTP/1.1 response: status line and header fields, found in one pass and decoded when asked for. Strict where two
 * readers could disagree (RFC 9112): bare CR or LF, folded lines, space before the colon are refused. What the fields mean for the
 * body is the parser's.
 */
import { ManagerError } from "@mcp-manager/api";

/** The header fields of one response. */
export interface HttpHeaders {
  /** The value of a field, by its name in lower case; several of one name are joined by ", ". */
  get(name: string): string | undefined;
}

/** Carriage return. */
export const CR = 0x0d;
/** Line feed. */
export const LF = 0x0a;
/** Space. */
export const SP = 0x20;
/** Horizontal tab. */
export const HTAB = 0x09;
const COLON = 0x3a;

/** Characters of a field name (RFC 9110, section 5.6.2, token). */
const tokenBytes = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  tokenBytes[char.charCodeAt(0)] = 1;

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

/** The answer of `read` to a head whose end has not come. */
export const incomplete = -1;

/** Reads heads, one after the other; holds what the last one said. */
export class HeadReader {
  /** Of the head read last. */
  status = 0;
  isHttp11 = false;
  headers: HttpHeaders = new HeaderBlock("", []);

  /**
   * Reads a head that begins at `start`; gives the position after it, or `incomplete`. Throws a `protocol_error` as soon as it cannot
   * be one. What it found is valid after a whole head only.
   */
  read(bytes: Buffer, start: number, limit: number): number {
    const status = statusAt(bytes, start, limit);
    let at = status < 0 ? incomplete : lineEnd(bytes, start + 12, limit);
    const offsets: number[] = [];
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
    this.status = status;
    this.isHttp11 = bytes[start + 7] === 0x31;
    this.headers = new HeaderBlock(bytes.toString("latin1", start, at), offsets);
    return at + 2;
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

/** What a `Content-Type` says of how a body is read here; undefined for none of ours. */
export function mediaTypeOf(contentType: string | undefined): "json" | "events" | undefined {
  if (contentType === undefined) return undefined;
  if (contentType.startsWith("application/json")) return "json";
  if (contentType.startsWith("text/event-stream")) return "events";
  const lower = contentType.toLowerCase();
  return lower === contentType ? undefined : mediaTypeOf(lower);
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
export function requireText(byte: number): void {
  if ((byte < SP && byte !== HTAB) || byte === 0x7f) throw malformed("it has a control character where text belongs");
}

/** What the server sent is no HTTP/1.1 response. */
export function malformed(what: string): ManagerError {
  return new ManagerError("protocol_error", `the HTTP response is malformed: ${what}`, { reason: "MALFORMED_HTTP" });
}
