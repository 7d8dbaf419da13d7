/**
 * One request on a Streamable HTTP connection: reads the answer in whatever form it comes (JSON, events, an HTTP error) and
 * tells the sink, once. It decides nothing about sessions or retries; it asks its host.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Placed } from "../base/swap-list.ts";
import { classifyFrame, errorCodeOf, locateResponse } from "../protocol/response.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { Era } from "../protocol/era.ts";
import { AddressedCall } from "./addressed-call.ts";
import type { Addressing } from "./addressing.ts";
import type { ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import { AnswerBody } from "./answer-body.ts";
import { LongAnswer, notItsAnswer } from "./long-answer.ts";
import { answerRule, type LongEvent, ResumableStream, type StreamOwner, type StreamEnd } from "./resumable-stream.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import { type HttpHeaders, mediaTypeOf } from "./http-head.ts";
import { httpFailure, retryAfterMs } from "./http-status.ts";
import type { HttpOrigin } from "./http-origin.ts";
import { isOwnId, isOwnToken, outboundBytes, withCallersId } from "./remap.ts";

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
  /** As `Connection.heard`; the calls count. */
  heard: number;
  /** Called once when the call is over, however it ended. */
  ended(call: HttpCall): void;
  /** Legacy: the server answered 404 to the session. Sends the call once more after a new one is open. */
  sessionLost(call: HttpCall, sentWith: string | undefined): void;
  /** What does not name its call, or names another, on a legacy call's stream; and the questions of all. */
  readonly addressing: Addressing;
  /** Request line and headers of a GET for events, without the closing line. */
  streamHead(): string;
}

export class HttpCall extends AddressedCall implements HttpResponseHandler, Exchange, Placed, StreamOwner, LongEvent {
  /** Among its connection's calls. */
  place = -1;
  /** Set when the server has to be told that a legacy call was given up. */
  cancelledUpstreamId: number | undefined;
  cancelReason = "";
  readonly #host: CallHost;
  /** Its id and progress token in a legacy session; undefined in the modern era, where it keeps its own. */
  readonly channelId: number | undefined;
  #exchange: HttpExchange | undefined;
  #sentWith: string | undefined;
  #retried = false;
  #over = false;
  #status = 0;
  #retryAfterMs: number | undefined;
  /** How the answer is read: one of these, by what its head says; neither for a refusal whose body says nothing. */
  #stream: ResumableStream | undefined;
  #body: AnswerBody | undefined;
  /** Some of the response has been passed on. */
  #isLeaving = false;
  /** A result on the stream that is passed on while it comes. */
  #longEvent: LongAnswer | undefined;

  constructor(host: CallHost, request: OutboundRequest, sink: ReplySink, channelId: number | undefined) {
    super(request, sink);
    this.#host = host;
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

  /** `written` as in `ReplySink.onFailure`. Default: it may have been, once it was on its way. */
  fail(error: ManagerError, written: boolean = this.#exchange !== undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    this.#host.ended(this);
    this.sink.onFailure(error, written);
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

  subscribed({ bytes, method }: Envelope): void {
    this.sink.onNotification(bytes, method);
  }

  onHead(status: number, headers: HttpHeaders): void {
    this.#status = status;
    const { messageBytesMax } = this.#host.target;
    const contentType = headers.get("content-type");
    const type = mediaTypeOf(contentType);
    if (status < 200 || status > 299) {
      this.#retryAfterMs = retryAfterMs(headers);
      if (mayExplain(status)) this.#body = new AnswerBody(messageBytesMax, false);
    } else if (type === "events") {
      // A modern stream that breaks off has lost its request (2026-07-28, basic/transports/streamable-http).
      const rule = this.#host.era === "legacy" ? answerRule : undefined;
      this.#stream = new ResumableStream(this, rule, this.#exchange);
    } else if (type === "json") {
      this.#body = new AnswerBody(messageBytesMax, true);
    } else {
      this.fail(this.#broken(`answered HTTP ${status} with content type "${contentType ?? "none"}"`));
    }
  }

  onData(chunk: Buffer): boolean {
    if (this.#stream !== undefined) return this.#stream.onData(chunk);
    if (this.#over) return true;
    try {
      return this.#pass(this.#body?.push(chunk, this.request, this.channelId));
    } catch (error) {
      this.fail(this.#broken(ManagerError.from(error).message));
      return true;
    }
  }

  onEnd(): void {
    if (this.#stream !== undefined) return this.#stream.onEnd();
    if (this.#over) return;
    const { long } = this.#body ?? {};
    if (long !== undefined) return this.#endLong(long);
    const whole = this.#body?.whole() ?? noBytes;
    if (this.#status > 299) this.#onHttpError(whole);
    else this.#respond(whole);
  }

  onError(error: ManagerError, written: boolean): void {
    if (this.#stream !== undefined) return this.#stream.onError(error);
    if (!this.#over) this.fail(this.#named(error), written);
  }

  #close(): void {
    this.#exchange?.abort();
    this.#stream?.close();
  }

  /** A part of the response that may leave now. */
  #pass(part: Buffer | undefined): boolean {
    if (part === undefined || this.#over) return true;
    this.#isLeaving = true;
    return this.sink.onResponse(part, false);
  }

  #endLong(long: LongAnswer | undefined): void {
    const last = long?.end();
    if (last === undefined) this.fail(notItsAnswer(this.#host.target.server));
    else this.#finish(last);
  }

  /** One message of an event stream: the response, something about this call, or a request of the server's. */
  #onMessage(message: Buffer): void {
    if (this.#over) return;
    const frame = classifyFrame(message);
    this.#host.heard++;
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
      method === "notifications/message" ||
      method === "notifications/elicitation/complete" ||
      (method === "notifications/cancelled" && this.#host.era === "legacy");
    if (isOwn) this.sink.onNotification(bytes, method);
    else this.#host.events.onNotification(bytes, method);
  }

  #onProgress(envelope: Envelope): void {
    const start = envelope.start("paramsProgressToken");
    const end = envelope.end("paramsProgressToken");
    const isOwn = isOwnToken(envelope.bytes, start, end, this.request, this.channelId);
    if (isOwn) this.progress(envelope.bytes, start, end);
    else this.#host.addressing.onNotification(envelope);
  }

  /** A whole response: it must answer this request, and leaves with the caller's id. */
  #respond(message: Buffer): void {
    if (this.#isLeaving) return this.fail(this.#broken("answered twice at once"));
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
    this.#host.heard++;
    // Without a stream it has come elsewhere if the exchange goes on.
    if (this.#stream === undefined) this.#exchange?.abort();
    else this.#stream.finish();
    this.#host.ended(this);
    this.sink.onResponse(last, true);
  }

  #onHttpError(body: Buffer): void {
    if (this.#status === 404 && this.#sentWith !== undefined && !this.#retried) {
      this.#retried = true;
      this.#body = undefined;
      return this.#host.sessionLost(this, this.#sentWith);
    }
    // A JSON-RPC error under an HTTP status is the server's own answer (unknown method, bad parameters) and is passed on.
    if (errorCodeOf(body) !== undefined && locateResponse(body) !== undefined) return this.#respond(body);
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

/** Whether the body under an error status may be the server's own answer; the others are said by the status alone. */
function mayExplain(status: number): boolean {
  return status < 500 && status !== 401 && status !== 403 && status !== 429;
}
