/**
 * One request on a Streamable HTTP connection: reads the answer in whatever form it comes (JSON, events, an HTTP error) and
 * tells the sink, once. It decides nothing about sessions or retries; it asks its host.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Placed } from "../base/swap-list.ts";
import type { Timer } from "../base/clock.ts";
import { classifyFrame, errorCodeOf, locateResponse } from "../protocol/response.ts";
import type { Era } from "../protocol/era.ts";
import { SseParser } from "../protocol/sse.ts";
import type { ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import { type HttpHeaders, mediaTypeOf } from "./http-head.ts";
import { httpFailure, retryAfterMs } from "./http-status.ts";
import type { HttpOrigin } from "./http-origin.ts";
import { channelIdAt, outboundBytes, withCallersId, withCallersToken } from "./remap.ts";

/** How one HTTP server is reached; the same for all its connections. */
export interface HttpTarget {
  /** The name used in messages. */
  readonly server: string;
  readonly origin: HttpOrigin;
  /** Path and query of the MCP endpoint. */
  readonly path: string;
  /** `Host: …` and the operator's own headers as wire text, each line ended by CRLF. */
  readonly headerLines: string;
  /** Largest message taken from the server. */
  readonly messageBytesMax: number;
}

/** What a call needs from its connection. */
export interface CallHost {
  readonly era: Era;
  readonly target: HttpTarget;
  readonly events: ConnectionEvents;
  /** Called once when the call is over, however it ended. */
  ended(call: HttpCall): void;
  /** Legacy: the server answered 404 to the session. Sends the call once more after a new one is open. */
  sessionLost(call: HttpCall, sentWith: string | undefined): void;
  /** Answers a request that the server made on a call's stream. */
  answer(idRaw: Buffer, method: string): void;
}

/** A server that has answered but not closed its stream gets this long before the manager closes it. */
const lingerMs = 2_000;

/** How the body of the answer is read. */
type BodyMode = "none" | "pass" | "collect" | "events" | "error";

export class HttpCall implements HttpResponseHandler, Exchange, Placed {
  /** Among its connection's calls. */
  place = -1;
  readonly request: OutboundRequest;
  /** Set when the server has to be told that a legacy call was given up. */
  cancelledUpstreamId: number | undefined;
  cancelReason = "";
  readonly #host: CallHost;
  readonly #sink: ReplySink;
  readonly #channelId: number | undefined;
  #exchange: HttpExchange | undefined;
  #sentWith: string | undefined;
  #retried = false;
  #over = false;
  #mode: BodyMode = "none";
  #status = 0;
  #retryAfterMs: number | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #parser: SseParser | undefined;
  #linger: Timer | undefined;

  constructor(host: CallHost, request: OutboundRequest, sink: ReplySink, channelId: number | undefined) {
    this.#host = host;
    this.request = request;
    this.#sink = sink;
    this.#channelId = channelId;
  }

  get over(): boolean {
    return this.#over;
  }

  wireBody(): Buffer {
    return outboundBytes(this.request, this.#channelId);
  }

  onWire(exchange: HttpExchange, sessionId: string | undefined): void {
    this.#exchange = exchange;
    this.#sentWith = sessionId;
    if (this.#over) exchange.abort();
  }

  cancel(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.cancelledUpstreamId = this.#channelId;
    this.cancelReason = reason;
    // Closing the stream is the cancellation in the modern era; in the legacy era the notification is, and this saves reading.
    this.#exchange?.abort();
    this.#host.ended(this);
  }

  resume(): void {
    this.#exchange?.resume();
  }

  fail(error: ManagerError): void {
    if (this.#over) return;
    this.#over = true;
    this.#exchange?.abort();
    this.#host.ended(this);
    this.#sink.onFailure(error);
  }

  onHead(status: number, headers: HttpHeaders): void {
    this.#status = status;
    const contentType = headers.get("content-type");
    const type = mediaTypeOf(contentType);
    if (status < 200 || status > 299) {
      this.#mode = "error";
      this.#retryAfterMs = retryAfterMs(headers.get("retry-after"));
    } else if (type === "events") {
      this.#mode = "events";
      this.#parser = new SseParser({
        eventBytesMax: this.#host.target.messageBytesMax,
        onEvent: (event) => {
          // Other event types are something else's: keep-alives, mostly.
          if (event.data.length > 0 && (event.event ?? "message") === "message") this.#onMessage(event.data);
        },
      });
    } else if (type === "json") {
      this.#mode = this.#channelId === undefined ? "pass" : "collect";
    } else {
      this.fail(this.#broken(`answered HTTP ${status} with content type "${contentType ?? "none"}"`));
    }
  }

  onData(chunk: Buffer): boolean {
    if (this.#over) return true;
    switch (this.#mode) {
      case "pass":
        // The last chunk is not known until the end comes, so one is always held back.
        return this.#pass(chunk);
      case "events":
        return this.#parse(chunk);
      case "collect":
      case "error":
        return this.#collect(chunk);
      case "none":
        return true;
    }
  }

  onEnd(): void {
    this.#linger?.cancel();
    if (this.#over) return;
    switch (this.#mode) {
      case "pass": {
        const last = this.#chunks[0];
        if (last === undefined) return this.fail(this.#broken("answered with an empty body"));
        this.#finish(last);
        break;
      }
      case "collect":
        this.#respond(this.#collected());
        break;
      case "error":
        this.#onHttpError();
        break;
      case "events":
        this.#parser?.end();
        if (!this.#over) this.fail(this.#broken("ended the stream before its response"));
        break;
      case "none":
        this.fail(this.#broken("answered without a body"));
        break;
    }
  }

  onError(error: ManagerError): void {
    this.#linger?.cancel();
    if (!this.#over) this.fail(this.#named(error));
  }

  #pass(chunk: Buffer): boolean {
    const held = this.#chunks[0];
    this.#chunks[0] = chunk;
    return held === undefined ? true : this.#sink.onResponse(held, false);
  }

  #parse(chunk: Buffer): boolean {
    try {
      this.#parser?.push(chunk);
    } catch (error) {
      this.fail(this.#named(ManagerError.from(error)));
    }
    return true;
  }

  #collect(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#host.target.messageBytesMax) {
      this.fail(this.#broken(`sent more than ${this.#host.target.messageBytesMax} bytes in one message`));
      return true;
    }
    this.#chunks.push(chunk);
    return true;
  }

  #collected(): Buffer {
    return this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks);
  }

  /** One message of an event stream: the response, something about this call, or a request of the server's. */
  #onMessage(message: Buffer): void {
    if (this.#over) return;
    const frame = classifyFrame(message);
    switch (frame.kind) {
      case "response":
        this.#respond(message);
        break;
      case "notification":
        this.#onNotification(
          message,
          frame.envelope.method,
          frame.envelope.start("paramsProgressToken"),
          frame.envelope.end("paramsProgressToken"),
        );
        break;
      case "request": {
        const id = frame.envelope.raw("id");
        if (id !== undefined) this.#host.answer(id, frame.envelope.method);
        break;
      }
      case "noise":
        this.fail(this.#broken("sent an event that is not JSON-RPC"));
        break;
    }
  }

  #onNotification(message: Buffer, method: string, tokenStart: number, tokenEnd: number): void {
    if (method === "notifications/progress") {
      if (this.request.progressTokenStart < 0 || tokenStart < 0) return;
      this.#sink.onNotification(withCallersToken(message, tokenStart, tokenEnd, this.request), method);
    } else if (method === "notifications/message") {
      this.#sink.onNotification(message, method);
    } else {
      this.#host.events.onNotification(message, method);
    }
  }

  /** A whole response: it must answer this request, and leaves with the caller's id. */
  #respond(message: Buffer): void {
    const at = locateResponse(message);
    if (at === undefined) return this.fail(this.#broken("answered with something that is not a JSON-RPC response"));
    if (this.#channelId === undefined) {
      const { bytes, idStart, idEnd } = this.request;
      const own = bytes.subarray(idStart, idEnd);
      if (message.compare(own, 0, own.length, at.idStart, at.idEnd) === 0) return this.#finish(message);
      return this.fail(this.#broken("answered with the id of another request"));
    }
    if (channelIdAt(message, at.idStart, at.idEnd) !== this.#channelId) {
      return this.fail(this.#broken("answered with the id of another request"));
    }
    this.#finish(withCallersId(message, at.idStart, at.idEnd, this.request));
  }

  #finish(last: Buffer): void {
    this.#over = true;
    // An aborted stream costs its connection, so the server gets a moment to end it by itself.
    if (this.#mode === "events") {
      this.#linger = this.#host.target.origin.clock.after(lingerMs, () => this.#exchange?.abort());
    }
    this.#host.ended(this);
    this.#sink.onResponse(last, true);
  }

  #onHttpError(): void {
    if (this.#status === 404 && this.#sentWith !== undefined && !this.#retried) {
      this.#retried = true;
      this.#chunks = [];
      this.#bytes = 0;
      this.#mode = "none";
      return this.#host.sessionLost(this, this.#sentWith);
    }
    const body = this.#collected();
    // A JSON-RPC error under an HTTP status is the server's own answer (unknown method, bad parameters) and is passed on.
    if (this.#status < 500 && ![401, 403, 429].includes(this.#status) && errorCodeOf(body) !== undefined) {
      const at = locateResponse(body);
      if (at !== undefined) return this.#respond(body);
    }
    this.fail(httpFailure(this.#host.target.server, this.#status, this.#retryAfterMs));
  }

  /** The connection's own error, with the server that it happened to. */
  #named(error: ManagerError): ManagerError {
    const server = this.#host.target.server;
    const { code, message, reason } = error;
    return new ManagerError(code, `server "${server}": ${message}`, { server, reason, cause: error });
  }

  #broken(what: string): ManagerError {
    const server = this.#host.target.server;
    return new ManagerError("protocol_error", `server "${server}" ${what}`, { server });
  }
}
