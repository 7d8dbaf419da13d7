/**
 * The answer to one POST, in the form that the caller takes and the answer needs: plain JSON when nothing comes before the
 * response, a stream of events from the first notification on. Writes each byte once; never looks into a message.
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

export class HttpReply {
  /** Called once when the caller goes away before the end. */
  onClientGone: (() => void) | undefined;
  /** Called when a reply that was full takes bytes again. */
  onDrain: (() => void) | undefined;
  readonly #response: ServerResponse;
  readonly #acceptsEvents: boolean;
  readonly #acceptsJson: boolean;
  #mode: "open" | "json" | "events" | "ended" = "open";
  #held: Buffer[] = [];

  constructor(response: ServerResponse, accept: string | undefined) {
    this.#response = response;
    this.#acceptsEvents = accept === undefined || accept.includes("text/event-stream") || accept.includes("*/*");
    this.#acceptsJson = !this.#acceptsEvents || accept === undefined || /application\/(json|\*)|\*\/\*/.test(accept);
    response.on("close", () => {
      if (this.#mode === "ended") return;
      this.#mode = "ended";
      this.onClientGone?.();
    });
  }

  /** Whether nothing more can be written. */
  get ended(): boolean {
    return this.#mode === "ended";
  }

  /** A whole JSON answer with its status; on an open event stream it becomes the last event. */
  json(status: number, body: Buffer, extra: RawHeaders = []): void {
    if (this.#mode === "events" || (this.#mode === "open" && status === 200 && !this.#acceptsJson)) {
      this.response(body, true, extra);
      return;
    }
    if (this.#mode !== "open") return;
    this.#mode = "ended";
    this.#response.writeHead(status, [...jsonHeaders, "content-length", String(body.length), ...extra]);
    this.#response.end(body);
  }

  /** An answer without a body: 202 for notifications, 204, 405. */
  empty(status: number, extra: RawHeaders = []): void {
    if (this.#mode !== "open") return;
    this.#mode = "ended";
    this.#response.writeHead(status, ["content-length", "0", ...extra]);
    this.#response.end();
  }

  /** A message before the response. Lost when the caller takes no events: it said so. */
  notification(message: Buffer, extra: RawHeaders = []): void {
    if (!this.#acceptsEvents || this.#mode === "ended" || this.#mode === "json") return;
    this.#openEvents(extra);
    this.#response.write(sseEvent(message));
  }

  /** A chunk of the response. False asks the sender to wait for `onDrain`. */
  response(chunk: Buffer, last: boolean, extra: RawHeaders = []): boolean {
    if (this.#mode === "ended") return true;
    if (this.#mode === "open" && !this.#acceptsJson) this.#openEvents(extra);
    if (this.#mode === "events") return this.#event(chunk, last);
    if (this.#mode === "open" && last) {
      this.json(200, chunk, extra);
      return true;
    }
    return this.#jsonChunk(chunk, last, extra);
  }

  /** A comment that keeps an open stream from being taken for dead. */
  keepAlive(extra: RawHeaders = []): void {
    if (!this.#acceptsEvents || this.#mode === "json" || this.#mode === "ended") return;
    this.#openEvents(extra);
    this.#response.write(sseComment);
  }

  /** Ends without a response: a call that its caller has cancelled. */
  end(): void {
    if (this.#mode === "open") return this.empty(202);
    if (this.#mode === "ended") return;
    this.#mode = "ended";
    this.#response.end();
  }

  #openEvents(extra: RawHeaders): void {
    if (this.#mode !== "open") return;
    this.#mode = "events";
    this.#response.writeHead(200, [...eventHeaders, ...extra]);
  }

  #event(chunk: Buffer, last: boolean): boolean {
    // An event is one message: its pieces are held until the last, because a line break in JSON would end the event's line.
    this.#held.push(chunk);
    if (!last) return true;
    const message = this.#held.length === 1 ? chunk : Buffer.concat(this.#held);
    this.#mode = "ended";
    this.#response.end(sseEvent(message));
    return true;
  }

  #jsonChunk(chunk: Buffer, last: boolean, extra: RawHeaders): boolean {
    if (this.#mode === "open") {
      this.#mode = "json";
      this.#response.writeHead(200, [...jsonHeaders, ...extra]);
      this.#response.on("drain", () => this.onDrain?.());
    }
    if (!last) return this.#response.write(chunk);
    this.#mode = "ended";
    this.#response.end(chunk);
    return true;
  }
}
