/**
 * One request to a server that speaks HTTP+SSE: posted to one address, answered on the stream that all requests share. It tells its
 * sink exactly one end. The POST may outlive the call, because the answer can be quicker than its acknowledgement; it is then waited
 * for a moment, since a POST that is cut costs its connection. The table of ids and the stream are its channel's.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import type { Placed } from "../base/swap-list.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { AddressedCall } from "./addressing.ts";
import type { Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import type { HttpHeaders } from "./http-head.ts";
import { httpFailure, retryAfterMs } from "./http-status.ts";
import { outboundBytes, withCallersId, withCallersToken } from "./remap.ts";

/** What a call needs from its channel. */
export interface SseCallHost {
  readonly server: string;
  readonly clock: Clock;
  /** The call is over, however it ended. */
  ended(call: SseCall): void;
  /** Its POST is over, however it ended. */
  posted(call: SseCall): void;
  /** Its caller gave up, and the server may have seen it. */
  cancelled(id: number, reason: string): void;
  /** Its caller takes bytes again. */
  resumed(call: SseCall): void;
  /** The server does not know the address for messages any more. */
  forgotten(): void;
}

/** A POST that is not answered is given up so long after its call. */
const lingerMs = 5_000;
/** What a server writes under its acknowledgement means nothing; one that writes more than this is not read to the end. */
const bodyBytesMax = 65_536;

export class SseCall implements Exchange, AddressedCall, HttpResponseHandler, Placed {
  /** Among the calls whose POST is under way. */
  place = -1;
  /** Its id on the stream, and its progress token there. */
  readonly id: number;
  readonly #host: SseCallHost;
  readonly #request: OutboundRequest;
  readonly #sink: ReplySink;
  /** Set while the POST is under way. */
  #post: HttpExchange | undefined;
  #isAccepted = false;
  #isOver = false;
  #bodyBytes = 0;
  #linger: Timer | undefined;
  /** Set when the server is still to be told that the call was given up: not before it has the call. */
  #cancelReason: string | undefined;

  constructor(host: SseCallHost, id: number, request: OutboundRequest, sink: ReplySink) {
    this.#host = host;
    this.id = id;
    this.#request = request;
    this.#sink = sink;
  }

  get wantsProgress(): boolean {
    return this.#request.progressTokenStart >= 0;
  }

  /** The legacy era has none. */
  get isSubscription(): boolean {
    return false;
  }

  wireBody(): Buffer {
    return outboundBytes(this.#request, this.id);
  }

  onWire(post: HttpExchange): void {
    this.#post = post;
  }

  cancel(reason: string): void {
    this.#host.resumed(this);
    if (this.#isOver) return;
    this.#end();
    if (this.#isAccepted) this.#host.cancelled(this.id, reason);
    else if (this.#post !== undefined) this.#cancelReason = reason;
  }

  resume(): void {
    this.#host.resumed(this);
  }

  fail(error: ManagerError): void {
    if (this.#isOver) return;
    this.#end();
    this.#sink.onFailure(error);
  }

  /** Ends its POST now: the channel is closed. */
  abandon(): void {
    this.#cancelReason = undefined;
    this.#post?.abort();
    this.#onPostOver();
  }

  progress(message: Buffer, start: number, end: number): void {
    this.#sink.onNotification(withCallersToken(message, start, end, this.#request), "notifications/progress");
  }

  notified(message: Buffer, method: string): void {
    this.#sink.onNotification(message, method);
  }

  subscribed(): void {}

  ask(question: Envelope): boolean {
    if (this.#sink.onRequest === undefined) return false;
    this.#sink.onRequest(question);
    return true;
  }

  /** The response, its id at [start, end). Gives how many bytes its caller asked to be waited for. */
  respond(message: Buffer, start: number, end: number): number {
    this.#end();
    const answer = withCallersId(message, start, end, this.#request);
    return this.#sink.onResponse(answer, true) ? 0 : answer.length;
  }

  onHead(status: number, headers: HttpHeaders): void {
    if (status >= 200 && status < 300) {
      this.#isAccepted = true;
      return this.#tellCancelled();
    }
    this.#cancelReason = undefined;
    if (status === 404) this.#host.forgotten();
    this.fail(httpFailure(this.#host.server, status, retryAfterMs(headers.get("retry-after"))));
  }

  onData(chunk: Buffer): boolean {
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > bodyBytesMax) this.#giveUpPost();
    return true;
  }

  onEnd(): void {
    this.#onPostOver();
  }

  onError(error: ManagerError, written: boolean): void {
    this.#onPostOver();
    if (written) this.#tellCancelled();
    if (this.#isAccepted) return;
    const { server } = this.#host;
    const { code, message, reason } = error;
    this.fail(new ManagerError(code, `server "${server}": ${message}`, { server, reason, cause: error }));
  }

  #end(): void {
    this.#isOver = true;
    if (this.#post !== undefined) this.#linger = this.#host.clock.after(lingerMs, () => this.#giveUpPost());
    this.#host.ended(this);
  }

  #giveUpPost(): void {
    this.#post?.abort();
    this.#onPostOver();
    this.#tellCancelled();
  }

  #onPostOver(): void {
    this.#post = undefined;
    this.#linger?.cancel();
    this.#host.posted(this);
  }

  #tellCancelled(): void {
    const reason = this.#cancelReason;
    this.#cancelReason = undefined;
    if (reason !== undefined) this.#host.cancelled(this.id, reason);
  }
}
