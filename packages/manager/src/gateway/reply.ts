/**
 * The answer to one POST, in the form that the caller takes and the answer needs: plain JSON when nothing comes before the
 * response, a stream of events from the first message on. Writes each byte once; never looks into a message. A legacy session's
 * stream outlives its connection: it is kept, and goes on when the client comes back for it.
 *
 *   open ──▶ events (message)* ──▶ event (chunk)* ──▶ ended
 *     └────▶ json (chunk)* ────────────────────────▶ ended
 */
import type { ServerResponse } from "node:http";
import { lentBytesMin, slabs } from "../base/slabs.ts";
import { sseComment, sseEvent } from "../protocol/sse.ts";
import type { PrincipalLoad } from "./door/principal-load.ts";
import type { EventStream, StreamOpener, StreamOwner } from "./sessions/event-stream.ts";

/** Header names and values in turn, as `writeHead` takes them without copying. */
export type RawHeaders = readonly string[];

const jsonHeaders: RawHeaders = ["content-type", "application/json", "cache-control", "no-store"];
/** The head of a stream of events, which nothing on the way may hold back. */
export const eventHeaders: RawHeaders = [
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

/** Messages that may wait for a slow reader, in bytes; nothing can hold them back, so the reader is let go beyond it. */
export const waitingBytesMax: number = 1024 * 1024;

/** Whoever fills a reply and wants to know how it is taken. An object, not two functions: those would be made anew for each call. */
export interface ReplyListener {
  /** The caller went away before the end, and there is nothing it could come back for; called once. */
  onClientGone(): void;
  /** A reply that was full takes bytes again. */
  onDrain(): void;
}

/** One answer, as whoever fills it sees it: from its head to its end. */
export interface Reply {
  listener: ReplyListener | undefined;
  /** Whether nothing more can be written. */
  readonly ended: boolean;
  /** Whether the caller takes a stream of events: only then can it be sent anything before the response. */
  readonly takesEvents: boolean;
  /** The caller's address, while it is there. */
  readonly address: string | undefined;
  /**
   * A whole JSON answer with its status; on an open event stream it becomes the last event. Where a response has begun, only
   * closing the connection can say that the rest does not come.
   */
  json(status: number, body: Buffer, extra?: RawHeaders): void;
  /** An answer without a body: 202 for notifications, 204, 405. */
  empty(status: number, extra?: RawHeaders): void;
  /**
   * A message before the response; lost when the caller takes no events: it said so. False when the caller reads so slowly that
   * it should be let go (`end`).
   */
  notification(message: Buffer, extra?: RawHeaders): boolean;
  /** A chunk of the response. False asks the sender to wait for `onDrain`. */
  response(chunk: Buffer, last: boolean, extra?: RawHeaders): boolean;
  /** A comment that keeps a stream from being taken for dead; opens the stream for a caller that takes one. */
  keepAlive(extra?: RawHeaders): void;
  /** Ends without a response: a call that its caller has cancelled. */
  end(): void;
}

export class HttpReply implements Reply, StreamOwner {
  listener: ReplyListener | undefined;
  /** Where an answer that becomes a stream is kept for a client that comes back; undefined: nowhere. */
  streams: StreamOpener | undefined;
  /** Undefined while the connection is lost and the stream is kept. */
  #response: ServerResponse | undefined;
  readonly #acceptsEvents: boolean;
  readonly #acceptsJson: boolean;
  #stream: EventStream | undefined;
  #mode: "open" | "json" | "events" | "event" | "ended" = "open";
  #full = false;

  /** `load` is where the request counts until its connection has been answered or lost. */
  constructor(response: ServerResponse, accept: string | undefined, load?: PrincipalLoad) {
    const takesAll = accept === undefined || accept.includes("*/*");
    this.#acceptsEvents = takesAll || accept.includes("text/event-stream");
    this.#acceptsJson = takesAll || !this.#acceptsEvents || accept.includes("application/");
    load?.enter();
    this.#take(response, load);
  }

  get ended(): boolean {
    return this.#mode === "ended";
  }

  get takesEvents(): boolean {
    return this.#acceptsEvents;
  }

  get address(): string | undefined {
    return this.#response?.socket?.remoteAddress;
  }

  /** Bytes that the caller has not read yet. */
  get waitingBytes(): number {
    return this.#response?.writableLength ?? 0;
  }

  json(status: number, body: Buffer, extra: RawHeaders = []): void {
    if (this.#mode === "ended") return;
    if (this.#mode === "json" || this.#mode === "event") return this.#cut(body);
    if (this.#mode === "events" || (status === 200 && !this.#acceptsJson)) {
      this.response(body, true, extra);
      return;
    }
    this.#mode = "ended";
    const response = this.#response;
    response?.writeHead(status, [...jsonHeaders, "content-length", String(body.length), ...extra]);
    // As text of one byte a character it leaves together with the head, in one piece; a Buffer would be a piece of its own.
    if (body.length <= joinBytesMax) response?.end(body.toString("latin1"), "latin1");
    else response?.end(body);
  }

  empty(status: number, extra: RawHeaders = []): void {
    if (this.#mode !== "open") return;
    this.#mode = "ended";
    this.#response?.writeHead(status, ["content-length", "0", ...extra]);
    this.#response?.end();
  }

  notification(message: Buffer, extra: RawHeaders = []): boolean {
    this.oneOfSeveral(message, extra);
    if (this.waitingBytes <= waitingBytesMax) return true;
    if (this.#stream?.isResumable !== true) return false;
    // To lose the connection is no cancellation: the client may come back when it reads again.
    const response = this.#response;
    this.#letGo();
    response?.destroy();
    return true;
  }

  /** A message that does not end the answer, however much waits before it: for who bounds that himself. */
  oneOfSeveral(message: Buffer, extra: RawHeaders = []): void {
    if (!this.#acceptsEvents || (this.#mode !== "open" && this.#mode !== "events")) return;
    this.#openEvents(extra);
    this.#write(this.#stream?.add(message, this.#isConnected) ?? sseEvent(message));
  }

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

  keepAlive(extra: RawHeaders = []): void {
    if (!this.#acceptsEvents || (this.#mode !== "open" && this.#mode !== "events")) return;
    this.#openEvents(extra);
    if (this.#response?.writableLength === 0) this.#response.write(sseComment);
  }

  end(): void {
    if (this.#mode === "open") return this.empty(202);
    if (this.#mode === "json" || this.#mode === "event" || this.waitingBytes > waitingBytesMax) return this.#cut();
    if (this.#mode === "ended") return;
    this.#mode = "ended";
    this.#stream?.finish();
    this.#response?.end();
  }

  resume(response: ServerResponse, after: number): void {
    const lost = this.#response;
    this.#take(response);
    lost?.destroy();
    response.writeHead(200, [...eventHeaders]);
    for (const bytes of this.#stream?.opening(after) ?? []) response.write(bytes);
    response.flushHeaders();
    this.#emptied();
  }

  get #isConnected(): boolean {
    return this.#response !== undefined;
  }

  #take(response: ServerResponse, load?: PrincipalLoad): void {
    this.#response = response;
    response.on("close", () => {
      load?.leave();
      if (this.#response === response && this.#mode !== "ended") this.#onLost();
    });
  }

  #onLost(): void {
    if (this.#stream?.isResumable === true) return this.#letGo();
    this.#mode = "ended";
    this.#stream?.lose();
    this.listener?.onClientGone();
  }

  /** Goes on without a connection. */
  #letGo(): void {
    this.#response = undefined;
    this.#emptied();
  }

  /** What waited for its reader does so no longer. */
  #emptied(): void {
    if (!this.#full) return;
    this.#full = false;
    this.listener?.onDrain();
  }

  #openEvents(extra: RawHeaders): void {
    if (this.#mode !== "open") return;
    this.#mode = "events";
    this.#response?.writeHead(200, [...eventHeaders, ...extra]);
    if (this.streams === undefined) return;
    this.#stream = this.streams.open(this);
    for (const bytes of this.#stream.opening(0)) this.#response?.write(bytes);
  }

  #eventChunk(chunk: Buffer, last: boolean): boolean {
    if (this.#mode === "events" && last) {
      this.#mode = "ended";
      // Also without a connection: then it is only kept.
      const bytes = this.#stream?.addLast(chunk, this.#isConnected) ?? sseEvent(chunk);
      this.#response?.end(bytes);
      return true;
    }
    if (this.#mode === "events") {
      this.#mode = "event";
      const start = this.#stream?.begin(this.#isConnected) ?? eventStart;
      this.#response?.write(start);
    }
    const lines = dataLines(chunk);
    this.#stream?.piece(lines);
    if (!this.#isConnected && this.#stream?.isLost === true) {
      this.#onLost();
      return true;
    }
    const taken = this.#write(lines, this.#stream?.isLost ?? true);
    if (!last) return taken;
    this.#mode = "ended";
    this.#stream?.complete();
    this.#response?.end(eventEnd);
    return true;
  }

  #jsonChunk(chunk: Buffer, last: boolean, extra: RawHeaders): boolean {
    if (this.#mode === "open") {
      this.#mode = "json";
      this.#response?.writeHead(200, [...jsonHeaders, ...extra]);
    }
    if (!last) return this.#write(chunk, true);
    this.#mode = "ended";
    if (chunk.length < lentBytesMin) this.#response?.end(chunk);
    else this.#response?.end(chunk, () => slabs.giveBack(chunk));
    return true;
  }

  /** `isAlone`: nobody else has the bytes, so that memory which was lent with them is free once they are out. */
  #write(bytes: Buffer, isAlone = false): boolean {
    const response = this.#response;
    if (response === undefined) return true;
    if (isAlone && bytes.length >= lentBytesMin) {
      if (response.write(bytes, (error) => error ?? slabs.giveBack(bytes))) return true;
    } else if (response.write(bytes)) return true;
    if (this.#full) return false;
    this.#full = true;
    response.once("drain", () => {
      if (this.#response === response) this.#emptied();
    });
    return false;
  }

  /** Breaks off in the middle. A client that comes back for the rest gets `instead`. */
  #cut(instead?: Buffer): void {
    const isKept = this.#mode === "event" && instead !== undefined && this.#stream?.isResumable === true;
    this.#mode = "ended";
    this.#stream?.breakOff();
    if (isKept) this.#stream?.addLast(instead, false);
    else this.#stream?.lose();
    this.#response?.destroy();
  }
}

/** A piece of an event's data. A line break, which in JSON stands only between tokens, begins another data line. */
function dataLines(chunk: Buffer): Buffer {
  if (!chunk.includes(0x0a) && !chunk.includes(0x0d)) return chunk;
  return Buffer.from(chunk.toString("latin1").replaceAll(/\r\n|\r|\n/g, "\ndata: "), "latin1");
}
