/**
 * One request to a server that speaks HTTP+SSE: posted to one address, answered on the stream that all requests share. The POST may
 * outlive the call, because the answer can be quicker than its acknowledgement; it is then waited for a moment, since a POST that is
 * cut costs its connection.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Timer } from "../base/clock.ts";
import type { Placed } from "../base/swap-list.ts";
import type { OutboundRequest, ReplySink } from "./connection.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import type { HttpHeaders } from "./http-head.ts";
import { httpFailure, retryAfterMs } from "./http-status.ts";
import { type CallKeeper, SharedCall } from "./shared-call.ts";

/** What a call needs from its channel. */
export interface SseCallHost {
  readonly calls: CallKeeper;
  /** Its POST is over, however it ended. */
  posted(call: SseCall): void;
  /** The server does not know the address for messages any more. */
  forgotten(): void;
}

/** A POST that is not answered is given up so long after its call. */
const lingerMs = 5_000;
/** What a server writes under its acknowledgement means nothing; one that writes more than this is not read to the end. */
const bodyBytesMax = 65_536;

export class SseCall extends SharedCall implements HttpResponseHandler, Placed {
  /** Among the calls whose POST is under way. */
  place = -1;
  readonly #host: SseCallHost;
  /** Set while the POST is under way. */
  #post: HttpExchange | undefined;
  #isAccepted = false;
  #mayBeSeen = false;
  #bodyBytes = 0;
  #linger: Timer | undefined;
  /** Set when the server is still to be told that the call was given up: not before it has the call. */
  #cancelReason: string | undefined;

  constructor(host: SseCallHost, request: OutboundRequest, sink: ReplySink) {
    super(host.calls, request, sink);
    this.#host = host;
  }

  protected override get isWritten(): boolean {
    return this.#mayBeSeen;
  }

  onWire(post: HttpExchange): void {
    this.#post = post;
    this.#mayBeSeen = true;
  }

  /** Ends its POST now: the channel is closed. */
  abandon(): void {
    this.#cancelReason = undefined;
    this.#post?.abort();
    this.#onPostOver();
  }

  onHead(status: number, headers: HttpHeaders): void {
    if (status >= 200 && status < 300) {
      this.#isAccepted = true;
      return this.#tellCancelled();
    }
    this.#cancelReason = undefined;
    if (status === 404) this.#host.forgotten();
    this.fail(httpFailure(this.calls.server, status, retryAfterMs(headers)));
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
    this.#mayBeSeen = written;
    const { server } = this.calls;
    const { code, message, reason } = error;
    this.fail(new ManagerError(code, `server "${server}": ${message}`, { server, reason, cause: error }));
  }

  protected override onCancelled(reason: string): void {
    if (this.#isAccepted) this.calls.withdraw(this, reason);
    else if (this.#post !== undefined) this.#cancelReason = reason;
  }

  protected override end(): void {
    if (this.#post !== undefined) this.#linger = this.calls.clock.after(lingerMs, () => this.#giveUpPost());
    super.end();
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
    if (reason !== undefined) this.calls.withdraw(this, reason);
  }
}
