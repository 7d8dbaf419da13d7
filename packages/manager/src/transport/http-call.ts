/**
 * One request on a Streamable HTTP connection: reads the answer in whatever form it comes (JSON, events, an HTTP error) and
 * tells the sink, once. It decides nothing about sessions or retries; it asks its host.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Placed } from "../base/swap-list.ts";
import { classifyFrame, errorCodeOf, locateResponse } from "../protocol/response.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { Era } from "../protocol/era.ts";
import type { AddressedCall, Addressing } from "./addressing.ts";
import type { ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import { CollectedBody, PassedBody } from "./answer-body.ts";
import { LongAnswer } from "./long-answer.ts";
import { answerRule, type LongEvent, ResumableStream, type StreamOwner, type StreamEnd } from "./resumable-stream.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import { type HttpHeaders, mediaTypeOf } from "./http-head.ts";
import { httpFailure, retryAfterMs } from "./http-status.ts";
import type { HttpOrigin } from "./http-origin.ts";
import { channelIdAt, isOwnId, outboundBytes, withCallersId, withCallersToken } from "./remap.ts";
import { isListen } from "./subscription-id.ts";

/** How one HTTP server is reached; the same for all its connections. */
export interface HttpTarget {
  /** The name used in messages. */
  readonly server: string;
  readonly origin: HttpOrigin;
  /** Path and query of the MCP endpoint. */
  readonly path: string;
  /** `Host: …` and the operator's own headers as wire text, each line ended by CRLF. */
  readonly headerLines: string;
  /** Largest message that is held whole; a long result is passed on while it comes, and has no bound. */
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
  /** What does not name its call, or names another, on a legacy call's stream; and the questions of all. */
  readonly addressing: Addressing<HttpCall>;
  /** Request line and headers of a GET for events, without the closing line. */
  streamHead(): string;
}

export class HttpCall implements HttpResponseHandler, Exchange, Placed, StreamOwner, LongEvent, AddressedCall {
  /** Among its connection's calls. */
  place = -1;
  readonly request: OutboundRequest;
  /** Set when the server has to be told that a legacy call was given up. */
  cancelledUpstreamId: number | undefined;
  cancelReason = "";
  readonly #host: CallHost;
  readonly #sink: ReplySink;
  /** Its id and progress token in a legacy session; undefined in the modern era, where it keeps its own. */
  readonly channelId: number | undefined;
  #exchange: HttpExchange | undefined;
  #sentWith: string | undefined;
  #retried = false;
  #over = false;
  #status = 0;
  #retryAfterMs: number | undefined;
  /** How the answer is read: one of these, by what its head says. */
  #stream: ResumableStream | undefined;
  #passed: PassedBody | undefined;
  #collected: CollectedBody | undefined;
  /** A result on the stream that is passed on while it comes. */
  #longEvent: LongAnswer | undefined;

  constructor(host: CallHost, request: OutboundRequest, sink: ReplySink, channelId: number | undefined) {
    this.#host = host;
    this.request = request;
    this.#sink = sink;
    this.channelId = channelId;
  }

  get over(): boolean {
    return this.#over;
  }

  get origin(): HttpOrigin {
    return this.#host.target.origin;
  }

  get eventBytesMax(): number {
    return this.#host.target.messageBytesMax;
  }

  get wantsProgress(): boolean {
    return this.request.progressTokenStart >= 0;
  }

  get isSubscription(): boolean {
    return isListen(this.request);
  }

  wireBody(): Buffer {
    return outboundBytes(this.request, this.channelId);
  }

  onWire(exchange: HttpExchange, sessionId: string | undefined): void {
    this.#exchange = exchange;
    this.#sentWith = sessionId;
    if (this.#over) exchange.abort();
  }

  cancel(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.cancelledUpstreamId = this.channelId;
    this.cancelReason = reason;
    // Closing the stream is the cancellation in the modern era; in the legacy era the notification is, and this saves reading.
    this.#close();
    this.#host.ended(this);
  }

  resume(): void {
    if (this.#stream === undefined) this.#exchange?.resume();
    else this.#stream.resume();
  }

  fail(error: ManagerError): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    this.#host.ended(this);
    this.#sink.onFailure(error);
  }

  streamHead(): string {
    return this.#host.streamHead();
  }

  onEvent(data: Buffer): void {
    this.#onMessage(data);
  }

  onLongEvent(head: Buffer): LongEvent | undefined {
    this.#longEvent = LongAnswer.begin(head, this.request, this.channelId);
    return this.#longEvent === undefined ? undefined : this;
  }

  onPart(part: Buffer): boolean {
    return this.#pass(this.#longEvent?.push(part));
  }

  onWhole(): void {
    if (!this.#over) this.#endLong(this.#longEvent);
  }

  onStreamOver({ error }: StreamEnd): void {
    if (this.#over) return;
    this.fail(error === undefined ? this.#broken("ended the stream before its response") : this.#named(error));
  }

  progress(message: Buffer, start: number, end: number): void {
    this.#sink.onNotification(withCallersToken(message, start, end, this.request), "notifications/progress");
  }

  notified(message: Buffer, method: string): void {
    this.#sink.onNotification(message, method);
  }

  subscribed({ bytes, method }: Envelope): void {
    this.#sink.onNotification(bytes, method);
  }

  ask(question: Envelope): boolean {
    if (this.#sink.onRequest === undefined) return false;
    this.#sink.onRequest(question);
    return true;
  }

  onHead(status: number, headers: HttpHeaders): void {
    this.#status = status;
    const { messageBytesMax } = this.#host.target;
    const contentType = headers.get("content-type");
    const type = mediaTypeOf(contentType);
    if (status < 200 || status > 299) {
      this.#collected = new CollectedBody(messageBytesMax, false);
      this.#retryAfterMs = retryAfterMs(headers.get("retry-after"));
    } else if (type === "events") {
      // A modern stream that breaks off has lost its request (2026-07-28, basic/transports/streamable-http).
      const rule = this.#host.era === "legacy" ? answerRule : undefined;
      this.#stream = new ResumableStream(this, rule, this.#exchange);
    } else if (type === "json") {
      // A modern answer carries its caller's id already.
      if (this.channelId === undefined) this.#passed = new PassedBody();
      else this.#collected = new CollectedBody(messageBytesMax, true);
    } else {
      this.fail(this.#broken(`answered HTTP ${status} with content type "${contentType ?? "none"}"`));
    }
  }

  onData(chunk: Buffer): boolean {
    if (this.#stream !== undefined) return this.#stream.onData(chunk);
    if (this.#over) return true;
    if (this.#passed !== undefined) return this.#pass(this.#passed.push(chunk));
    try {
      return this.#pass(this.#collected?.push(chunk, this.request, this.channelId));
    } catch (error) {
      this.fail(this.#broken(ManagerError.from(error).message));
      return true;
    }
  }

  onEnd(): void {
    if (this.#stream !== undefined) return this.#stream.onEnd();
    if (this.#over) return;
    if (this.#passed !== undefined) {
      const last = this.#passed.end();
      return last === undefined ? this.fail(this.#broken("answered with an empty body")) : this.#finish(last);
    }
    const { long } = this.#collected ?? {};
    if (long !== undefined) return this.#endLong(long);
    const whole = this.#collected?.whole() ?? noBytes;
    if (this.#status > 299) this.#onHttpError(whole);
    else this.#respond(whole);
  }

  onError(error: ManagerError): void {
    if (this.#stream !== undefined) return this.#stream.onError(error);
    if (!this.#over) this.fail(this.#named(error));
  }

  #close(): void {
    this.#exchange?.abort();
    this.#stream?.close();
  }

  /** A part of the response that may leave now. */
  #pass(part: Buffer | undefined): boolean {
    return part === undefined || this.#over || this.#sink.onResponse(part, false);
  }

  #endLong(long: LongAnswer | undefined): void {
    const last = long?.end();
    if (last === undefined)
      this.fail(this.#broken("answered with a message whose id is not that of the request, or not the only one"));
    else this.#finish(last);
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
        this.#onNotification(frame.envelope);
        break;
      case "request":
        this.#onRequest(frame.envelope);
        break;
      case "noise":
        this.fail(this.#broken("sent an event that is not JSON-RPC"));
        break;
    }
  }

  #onRequest(question: Envelope): void {
    const id = question.raw("id");
    // A modern server asks nothing, and takes no responses (2026-07-28, basic/transports/streamable-http).
    if (id === undefined || this.#host.era === "modern") return;
    if (question.method === "ping") this.#host.addressing.refuse(id, question.method);
    else this.#host.addressing.ask(this, question, id);
  }

  #onNotification(envelope: Envelope): void {
    const { bytes, method } = envelope;
    if (this.isSubscription) return this.subscribed(envelope);
    if (method === "notifications/progress") return this.#onProgress(envelope);
    // In the legacy era a server cancels the questions that it has asked.
    const isOwn =
      method === "notifications/message" || (method === "notifications/cancelled" && this.#host.era === "legacy");
    if (isOwn) this.#sink.onNotification(bytes, method);
    else this.#host.events.onNotification(bytes, method);
  }

  #onProgress(envelope: Envelope): void {
    const start = envelope.start("paramsProgressToken");
    const end = envelope.end("paramsProgressToken");
    const isOwn = this.channelId === undefined || channelIdAt(envelope.bytes, start, end) === this.channelId;
    if (!isOwn) this.#host.addressing.onNotification(envelope);
    else if (this.wantsProgress && start >= 0) this.progress(envelope.bytes, start, end);
  }

  /** A whole response: it must answer this request, and leaves with the caller's id. */
  #respond(message: Buffer): void {
    const at = locateResponse(message);
    if (at === undefined) return this.fail(this.#broken("answered with something that is not a JSON-RPC response"));
    if (!isOwnId(message, at.idStart, at.idEnd, this.request, this.channelId)) {
      return this.fail(this.#broken("answered with the id of another request"));
    }
    const isOthers = this.channelId !== undefined;
    this.#finish(isOthers ? withCallersId(message, at.idStart, at.idEnd, this.request) : message);
  }

  #finish(last: Buffer): void {
    this.#over = true;
    this.#stream?.finish();
    this.#host.ended(this);
    this.#sink.onResponse(last, true);
  }

  #onHttpError(body: Buffer): void {
    if (this.#status === 404 && this.#sentWith !== undefined && !this.#retried) {
      this.#retried = true;
      this.#collected = undefined;
      return this.#host.sessionLost(this, this.#sentWith);
    }
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

const noBytes = Buffer.alloc(0);
