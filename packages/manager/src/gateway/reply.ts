/**
 * The answer to one POST, in the form that the caller takes and the answer needs: plain JSON when nothing comes before the
 * response, a stream of events from the first notification on. Writes each byte once; never looks into a message.
 *
 *   open ──▶ events (notification)* ──▶ event (chunk)* ──▶ ended
 *     └────▶ json (chunk)* ─────────────────────────────▶ ended
 */
import type { ServerResponse } from "node:http";
import { sseComment, sseEvent } from "../protocol/sse.ts";

/** Header names and values in turn, as `writeHead` takes them without copying. */
export type RawHeaders = readonly string[];

const jsonHeaders: RawHeaders = ["content-type", "application/json", "cache-control", "no-store"];
const eventHeaders: RawHeaders = [
  "content-type",
  "text/event-stream",
  "cache-control",
  "no-store, no-transform",
  "x-accel-buffering",
  "no",
];
/** Up to here making a text of a body costs less than a second piece in the write. */
const joinBytesMax = 16_384;
const eventStart = Buffer.from("data: ");
const eventEnd = Buffer.from("\n\n");

/** Notifications that may wait for a slow reader, in bytes; nothing can hold them back, so the reader is let go beyond it. */
const waitingBytesMax = 1024 * 1024;

/** Whoever fills a reply and wants to know how it is taken. An object, not two functions: those would be made anew for each call. */
export interface ReplyListener {
  /** The caller went away before the end; called once. */
  onClientGone(): void;
  /** A reply that was full takes bytes again. */
  onDrain(): void;
}

/** One answer, filled from its head to its end. */
export class HttpReply {
  listener: ReplyListener | undefined;
  readonly #response: ServerResponse;
  readonly #acceptsEvents: boolean;
  readonly #acceptsJson: boolean;
  #mode: "open" | "json" | "events" | "event" | "ended" = "open";
  #full = false;

  constructor(response: ServerResponse, accept: string | undefined) {
    this.#response = response;
    const takesAll = accept === undefined || accept.includes("*/*");
    this.#acceptsEvents = takesAll || accept.includes("text/event-stream");
    this.#acceptsJson = takesAll || !this.#acceptsEvents || accept.includes("application/");
    response.on("close", () => {
      if (this.#mode === "ended") return;
      this.#mode = "ended";
      this.listener?.onClientGone();
    });
  }

  /** Whether nothing more can be written. */
  get ended(): boolean {
    return this.#mode === "ended";
  }

  /** The caller's address, while it is there. */
  get address(): string | undefined {
    return this.#response.socket?.remoteAddress;
  }

  /**
   * A whole JSON answer with its status; on an open event stream it becomes the last event. Where a response has begun, only
   * closing the connection can say that the rest does not come.
   */
  json(status: number, body: Buffer, extra: RawHeaders = []): void {
    if (this.#mode === "ended") return;
    if (this.#mode === "json" || this.#mode === "event") return this.#cut();
    if (this.#mode === "events" || (status === 200 && !this.#acceptsJson)) {
      this.response(body, true, extra);
      return;
    }
    this.#mode = "ended";
    this.#response.writeHead(status, [...jsonHeaders, "content-length", String(body.length), ...extra]);
    // As text of one byte a character it leaves together with the head, in one piece; a Buffer would be a piece of its own.
    if (body.length <= joinBytesMax) this.#response.end(body.toString("latin1"), "latin1");
    else this.#response.end(body);
  }

  /** An answer without a body: 202 for notifications, 204, 405. */
  empty(status: number, extra: RawHeaders = []): void {
    if (this.#mode !== "open") return;
    this.#mode = "ended";
    this.#response.writeHead(status, ["content-length", "0", ...extra]);
    this.#response.end();
  }

  /**
   * A message before the response; lost when the caller takes no events: it said so. False when the caller reads so slowly that
   * it should be let go (`end`).
   */
  notification(message: Buffer, extra: RawHeaders = []): boolean {
    if (!this.#acceptsEvents || (this.#mode !== "open" && this.#mode !== "events")) return true;
    this.#openEvents(extra);
    this.#write(sseEvent(message));
    return this.#response.writableLength <= waitingBytesMax;
  }

  /** A chunk of the response. False asks the sender to wait for `onDrain`. */
  response(chunk: Buffer, last: boolean, extra: RawHeaders = []): boolean {
    if (this.#mode === "ended") return true;
    if (this.#mode === "open" && !this.#acceptsJson) this.#openEvents(extra);
    if (this.#mode === "events" || this.#mode === "event") return this.#eventChunk(chunk, last);
    if (this.#mode === "open" && last) {
      this.json(200, chunk, extra);
      return true;
    }
    return this.#jsonChunk(chunk, last, extra);
  }

  /** A comment that keeps a stream from being taken for dead; opens the stream for a caller that takes one. */
  keepAlive(extra: RawHeaders = []): void {
    if (!this.#acceptsEvents || (this.#mode !== "open" && this.#mode !== "events")) return;
    this.#openEvents(extra);
    if (this.#response.writableLength === 0) this.#response.write(sseComment);
  }

  /** Ends without a response: a call that its caller has cancelled. */
  end(): void {
    if (this.#mode === "open") return this.empty(202);
    if (this.#mode === "json" || this.#mode === "event" || this.#response.writableLength > waitingBytesMax)
      return this.#cut();
    if (this.#mode === "ended") return;
    this.#mode = "ended";
    this.#response.end();
  }

  #openEvents(extra: RawHeaders): void {
    if (this.#mode !== "open") return;
    this.#mode = "events";
    this.#response.writeHead(200, [...eventHeaders, ...extra]);
  }

  #eventChunk(chunk: Buffer, last: boolean): boolean {
    if (this.#mode === "events" && last) {
      this.#mode = "ended";
      this.#response.end(sseEvent(chunk));
      return true;
    }
    if (this.#mode === "events") {
      this.#mode = "event";
      this.#response.write(eventStart);
    }
    const taken = this.#write(dataLines(chunk));
    if (!last) return taken;
    this.#mode = "ended";
    this.#response.end(eventEnd);
    return true;
  }

  #jsonChunk(chunk: Buffer, last: boolean, extra: RawHeaders): boolean {
    if (this.#mode === "open") {
      this.#mode = "json";
      this.#response.writeHead(200, [...jsonHeaders, ...extra]);
    }
    if (!last) return this.#write(chunk);
    this.#mode = "ended";
    this.#response.end(chunk);
    return true;
  }

  #write(bytes: Buffer): boolean {
    if (this.#response.write(bytes)) return true;
    if (this.#full) return false;
    this.#full = true;
    this.#response.once("drain", () => {
      this.#full = false;
      this.listener?.onDrain();
    });
    return false;
  }

  #cut(): void {
    this.#mode = "ended";
    this.#response.destroy();
  }
}

/** A piece of an event's data. A line break, which in JSON stands only between tokens, begins another data line. */
function dataLines(chunk: Buffer): Buffer {
  if (!chunk.includes(0x0a) && !chunk.includes(0x0d)) return chunk;
  return Buffer.from(chunk.toString("latin1").replaceAll(/\r\n|\r|\n/g, "\ndata: "), "latin1");
}
