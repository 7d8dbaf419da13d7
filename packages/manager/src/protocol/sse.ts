/**
 * Event streams (WHATWG HTML, "Server-sent events"), read and written as bytes. The parser takes chunks split anywhere and gives
 * whole events; where one chunk holds an event's only data line, that data is a view on the chunk. It holds at most one event.
 */
import { ManagerError } from "@mcp-manager/api";
import { invariant } from "../base/invariant.ts";

export interface SseEvent {
  /** The data lines joined by LF; empty for an event that only carries an id. */
  readonly data: Buffer;
  /** The stream's last event id at this event; undefined when none was sent, or it was reset by an empty one. */
  readonly id: string | undefined;
  readonly event: string | undefined;
}

export interface SseParserOptions {
  /** The most bytes one event's data may have; any one line may have as many and `fieldBytesMax` more. */
  readonly eventBytesMax: number;
  onEvent(event: SseEvent): void;
  /** The server asks for this pause before a reconnect, in milliseconds. */
  onRetry?(retryMs: number): void;
  onComment?(): void;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const none: Buffer = Buffer.alloc(0);
const newline: Buffer = Buffer.from("\n");

/** What a line may have besides data: a byte order mark, the field's name, colon and space. */
const fieldBytesMax = 16;
/** Data lines are joined in blocks of this many: an event of empty lines must not cost a hundred bytes for each. */
const blockLines = 1024;

export class SseParser {
  readonly #options: SseParserOptions;
  /** Parts of a line whose end has not come yet. */
  #partial: Buffer[] = [];
  #partialBytes = 0;
  /** The event in hand: its data lines so far, the earlier ones joined to blocks. */
  #data: Buffer[] = [];
  #blocks: Buffer[] = [];
  #dataBytes = 0;
  #event: string | undefined;
  #id: string | undefined;
  #lastEventId: string | undefined;
  #afterCarriageReturn = false;
  #isFirstLine = true;
  #closed = false;

  constructor(options: SseParserOptions) {
    this.#options = options;
  }

  /** What `Last-Event-ID` would say on a reconnect: the id of the last event that came whole, with data or without. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /**
   * Takes the next bytes and calls `onEvent` for every event they complete. Throws a `protocol_error` when an event is longer
   * than allowed; the parser is then closed and takes nothing more. The chunk must not be changed afterwards.
   */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#afterCarriageReturn && chunk.length > 0) {
      this.#afterCarriageReturn = false;
      if (chunk[0] === lineFeed) at = 1;
    }
    // Each is looked for again only once it is passed: a chunk without the other kind of line end is searched for it once.
    let nextLineFeed = chunk.indexOf(lineFeed, at);
    let nextCarriageReturn = chunk.indexOf(carriageReturn, at);
    while (at < chunk.length && !this.#closed) {
      if (nextLineFeed >= 0 && nextLineFeed < at) nextLineFeed = chunk.indexOf(lineFeed, at);
      if (nextCarriageReturn >= 0 && nextCarriageReturn < at) nextCarriageReturn = chunk.indexOf(carriageReturn, at);
      const end = firstOf(nextLineFeed, nextCarriageReturn);
      if (end < 0) return this.#keep(chunk.subarray(at));
      const line = this.#line(chunk, at, end);
      at = end + 1;
      if (chunk[end] === carriageReturn) {
        if (at === chunk.length) this.#afterCarriageReturn = true;
        else if (chunk[at] === lineFeed) at++;
      }
      this.#take(line);
    }
  }

  /** The stream is over: an event that was not ended by an empty line is dropped, as the standard says. */
  end(): void {
    this.#closed = true;
    this.#partial = [];
    this.#data = [];
    this.#blocks = [];
  }

  #keep(part: Buffer): void {
    this.#partialBytes += part.length;
    this.#bound(this.#partialBytes - fieldBytesMax);
    this.#partial.push(part);
  }

  /** A whole line, put together when it began in an earlier chunk. */
  #line(chunk: Buffer, at: number, end: number): Buffer {
    let line = chunk.subarray(at, end);
    if (this.#partialBytes > 0) {
      this.#partial.push(line);
      line = Buffer.concat(this.#partial);
      this.#partial = [];
      this.#partialBytes = 0;
    }
    this.#bound(line.length - fieldBytesMax);
    if (!this.#isFirstLine) return line;
    this.#isFirstLine = false;
    return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? line.subarray(3) : line;
  }

  #take(line: Buffer): void {
    if (line.length === 0) return this.#dispatch();
    if (startsWith(line, "data")) return this.#addData(valueOf(line, 4));
    if (line[0] === 0x3a) return this.#options.onComment?.();
    if (startsWith(line, "event")) {
      this.#event = valueOf(line, 5).toString() || undefined;
    } else if (startsWith(line, "id")) {
      const id = valueOf(line, 2);
      if (!id.includes(0)) this.#id = id.toString() || undefined;
    } else if (startsWith(line, "retry")) {
      const retry = valueOf(line, 5).toString();
      if (/^\d{1,15}$/.test(retry)) this.#options.onRetry?.(Number(retry));
    }
  }

  #addData(value: Buffer): void {
    this.#dataBytes += value.length + 1;
    this.#bound(this.#dataBytes - 1);
    this.#data.push(value);
    if (this.#data.length < blockLines) return;
    this.#blocks.push(join(this.#data));
    this.#data = [];
  }

  #dispatch(): void {
    const lines = this.#blocks.length === 0 ? this.#data : [...this.#blocks, ...this.#data];
    const event = this.#event;
    this.#event = undefined;
    this.#lastEventId = this.#id;
    if (lines.length === 0) return;
    this.#data = [];
    this.#blocks = [];
    this.#dataBytes = 0;
    this.#options.onEvent({ data: join(lines), id: this.#lastEventId, event });
  }

  #bound(bytes: number): void {
    if (bytes <= this.#options.eventBytesMax) return;
    this.end();
    throw new ManagerError(
      "protocol_error",
      `an event of the stream is longer than ${this.#options.eventBytesMax} bytes`,
      {
        reason: "EVENT_TOO_LARGE",
      },
    );
  }
}

/** The smaller position of two that may be -1. */
function firstOf(a: number, b: number): number {
  return a < 0 || (b >= 0 && b < a) ? b : a;
}

function join(lines: readonly Buffer[]): Buffer {
  const only = lines.length === 1 ? lines[0] : undefined;
  if (only !== undefined) return only;
  return Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [newline, line])));
}

/** Whether the line's field name is `name`: followed by a colon, or the whole line. */
function startsWith(line: Buffer, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (line[i] !== name.charCodeAt(i)) return false;
  return line.length === name.length || line[name.length] === 0x3a;
}

/** The value after a field name of `length` bytes: one space after the colon does not belong to it. */
function valueOf(line: Buffer, length: number): Buffer {
  return line.subarray(line[length + 1] === 0x20 ? length + 2 : Math.min(length + 1, line.length));
}

const dataPrefix = Buffer.from("data: ");
const dataSuffix = Buffer.from("\n\n");

/** One event as bytes. Line ends inside `data` become several data lines. `id` has no line end and no NUL. */
export function sseEvent(data: Buffer, id?: string): Buffer {
  const head = id === undefined ? none : Buffer.from(idLine(id));
  if (!data.includes(lineFeed) && !data.includes(carriageReturn)) {
    return Buffer.concat([head, dataPrefix, data, dataSuffix]);
  }
  const lines = data.toString("latin1").split(/\r\n|\r|\n/);
  return Buffer.concat([head, Buffer.from(`${lines.map((line) => `data: ${line}`).join("\n")}\n\n`, "latin1")]);
}

function idLine(id: string): string {
  invariant(!/[\r\n\0]/.test(id), "an event id has no line end and no NUL");
  return `id: ${id}\n`;
}

/** A comment, which readers skip: keeps an idle stream from being closed on the way. */
export const sseComment: Buffer = Buffer.from(":\n\n");
