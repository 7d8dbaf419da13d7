/**
 * Event streams (WHATWG HTML, "Server-sent events"), read and written as bytes. The parser takes chunks split anywhere and gives
 * whole events; where one chunk holds an event's only data line, that data is a view on the chunk. It holds at most one event.
 */
import { ManagerError } from "@mcp-manager/api";
import { slabs } from "../base/slabs.ts";
import { invariant } from "../base/invariant.ts";

export interface SseEvent {
  /** The data lines joined by LF; empty for an event that only carries an id. */
  readonly data: Buffer;
  /** The stream's last event id at this event; undefined when none was sent, or it was reset by an empty one. */
  readonly id: string | undefined;
  readonly event: string | undefined;
}

/** Takes the data of a long event in parts. */
export interface EventParts {
  /** The next bytes of the data; a view on the chunk that they came with. */
  onPart(part: Buffer): void;
  /** That was all. An event that the stream's end cuts off has no such end. */
  onWhole(): void;
}

export interface SseParserOptions {
  /** The most bytes one event's data may have; any one line may have as many and `fieldBytesMax` more. */
  readonly eventBytesMax: number;
  onEvent(event: SseEvent): void;
  /**
   * An event of a type `message` has become longer than `longDataBytes` in its first data line, which begins with `head`. Answers who
   * takes the rest of its data in parts, or undefined: then it is held whole, as all are without this.
   */
  onLongEvent?(head: Buffer): EventParts | undefined;
  /** The server asks for this pause before a reconnect, in milliseconds. */
  onRetry?(retryMs: number): void;
  onComment?(): void;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const none: Buffer = Buffer.alloc(0);
const newline: Buffer = Buffer.from("\n");

/** Data of more than this may be taken in parts. */
export const longDataBytes = 65_536;
/** So much of it shows what it is. */
const headBytesMin = 8_192;
/** What a line may have besides data: a byte order mark, the field's name, colon and space. */
const fieldBytesMax = 16;
/** A longer event id would not fit the header that brings it back; an event with one has none. */
const eventIdBytesMax = 4_096;
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
  /** Who takes the event in hand in parts, and whether its line goes on. */
  #parts: EventParts | undefined;
  #inLongLine = false;
  #isHeldWhole = false;
  #id: string | undefined;
  #lastEventId: string | undefined;
  #afterCarriageReturn = false;
  #isFirstLine = true;
  /** No event was given away of what the present chunk holds: memory lent with it goes over to what is kept of it. */
  #isChunkMine = true;
  #closed = false;

  /** `lastEventId`: of a stream that this one goes on with. */
  constructor(options: SseParserOptions, lastEventId?: string) {
    this.#options = options;
    this.#id = lastEventId;
    this.#lastEventId = lastEventId;
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
    this.#isChunkMine = true;
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
      if (end < 0) return this.#keep(this.#isChunkMine ? slabs.part(chunk, at, chunk.length) : chunk.subarray(at));
      const line = this.#inLongLine ? undefined : this.#line(chunk, at, end);
      if (line === undefined)
        this.#endLongLine(hasOnlyLineEnds(chunk, end) ? slabs.part(chunk, at, end) : chunk.subarray(at, end));
      at = end + 1;
      if (chunk[end] === carriageReturn) {
        if (at === chunk.length) this.#afterCarriageReturn = true;
        else if (chunk[at] === lineFeed) at++;
      }
      if (line !== undefined) this.#take(line);
    }
  }

  /** The stream is over: an event that was not ended by an empty line is dropped, as the standard says. */
  end(): void {
    this.#closed = true;
    this.#partial = [];
    this.#data = [];
    this.#blocks = [];
    this.#parts = undefined;
  }

  #keep(part: Buffer): void {
    if (this.#inLongLine) return this.#parts?.onPart(part);
    this.#partialBytes += part.length;
    this.#partial.push(part);
    if (this.#partialBytes > longDataBytes && !this.#isHeldWhole && this.#beginLong()) return;
    this.#bound(this.#partialBytes - fieldBytesMax);
  }

  /** Offers the line in hand, when it is the first data line of its event, to be taken in parts. */
  #beginLong(): boolean {
    this.#isHeldWhole = true;
    const isFirstData = this.#data.length === 0 && this.#blocks.length === 0 && this.#parts === undefined;
    if (this.#options.onLongEvent === undefined || !isFirstData || (this.#event ?? "message") !== "message")
      return false;
    const partial = this.#partial;
    const [line = none, ...rest] = headBytesMin <= (partial[0]?.length ?? 0) ? partial : [Buffer.concat(partial)];
    if (!startsWith(line, "data")) return false;
    const value = valueOf(line, 4);
    const parts = this.#options.onLongEvent(slabs.part(line, line.length - value.length, line.length));
    if (parts === undefined) return false;
    for (const part of rest) parts.onPart(part);
    this.#parts = parts;
    this.#partial = [];
    this.#partialBytes = 0;
    this.#isFirstLine = false;
    this.#inLongLine = true;
    return true;
  }

  #endLongLine(rest: Buffer): void {
    this.#inLongLine = false;
    if (rest.length > 0) this.#parts?.onPart(rest);
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
      if (!id.includes(0)) this.#id = (id.length <= eventIdBytesMax && id.toString()) || undefined;
    } else if (startsWith(line, "retry")) {
      const retry = valueOf(line, 5).toString();
      if (/^\d{1,15}$/.test(retry)) this.#options.onRetry?.(Number(retry));
    }
  }

  #addData(value: Buffer): void {
    if (this.#parts !== undefined) {
      this.#parts.onPart(newline);
      return this.#parts.onPart(value);
    }
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
    this.#isHeldWhole = false;
    const parts = this.#parts;
    this.#parts = undefined;
    this.#isChunkMine = false;
    if (parts !== undefined) return parts.onWhole();
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

/** Whether nothing but the ends of lines, and few of them, stands behind `at`. */
function hasOnlyLineEnds(bytes: Buffer, at: number): boolean {
  if (bytes.length - at > 8) return false;
  for (let i = at; i < bytes.length; i++) if (bytes[i] !== lineFeed && bytes[i] !== carriageReturn) return false;
  return true;
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
