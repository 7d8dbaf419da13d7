/**
 * One `subscriptions/listen` of the manager's to a modern server, from its request to its end: what it asked for, what of it was
 * acknowledged, what is heard. It decides nothing about opening another; that is `upstream-watch-modern.ts`.
 */
import { errorCodeOf } from "../../protocol/response.ts";
import {
  acknowledgedMethod,
  listenRequest,
  parseAcknowledged,
  type SubscriptionFilter,
} from "../../protocol/subscriptions.ts";
import type { Connection, Exchange, ReplySink } from "../../transport/connection.ts";

/** Hears of a listen. */
export interface ListenHost {
  onAcknowledged(listen: UpstreamListen): void;
  onHeard(message: Buffer, method: string): void;
  /** It ended by itself, or could not be opened: `errorCode` when the server answered with an error. Not called after `cancel`. */
  onEnded(listen: UpstreamListen, errorCode: number | undefined): void;
}

/** Tells its host one end, or none after `cancel`. */
export class UpstreamListen implements ReplySink {
  readonly asked: SubscriptionFilter;
  /** Undefined before the acknowledgement. */
  acknowledged: SubscriptionFilter | undefined;
  readonly #host: ListenHost;
  readonly #askedUris: ReadonlySet<string>;
  #acknowledgedUris: ReadonlySet<string> = new Set();
  #exchange: Exchange | undefined;
  #isOver = false;
  #chunks: Buffer[] = [];

  constructor(host: ListenHost, asked: SubscriptionFilter) {
    this.#host = host;
    this.asked = asked;
    this.#askedUris = new Set(asked.uris);
  }

  /** Apart from the constructor, because a closed connection answers at once. */
  start(connection: Connection, id: number): void {
    const request = listenRequest(id, this.asked);
    const rest = { edits: [], progressTokenStart: -1, progressTokenEnd: -1, name: undefined, paramHeaders: [] };
    this.#exchange = connection.send({ ...request, ...rest, method: "subscriptions/listen" }, this);
    if (this.#isOver) this.#exchange.cancel("it has ended");
  }

  /** Whether its server still owes the end of it. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Whether this URI was asked for. */
  asks(uri: string): boolean {
    return this.#askedUris.has(uri);
  }

  /** Whether the server has said that it tells of this URI. */
  tells(uri: string): boolean {
    return this.#acknowledgedUris.has(uri);
  }

  /** Ends it; nothing is heard of it any more. */
  cancel(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exchange?.cancel(reason);
  }

  onNotification(message: Buffer, method: string): void {
    if (this.#isOver) return;
    if (method === "notifications/cancelled") return this.#end(undefined, true);
    if (method !== acknowledgedMethod) return this.#host.onHeard(message, method);
    if (this.acknowledged !== undefined) return;
    this.acknowledged = parseAcknowledged(message);
    this.#acknowledgedUris = new Set(this.acknowledged.uris);
    this.#host.onAcknowledged(this);
  }

  onResponse(chunk: Buffer, last: boolean): boolean {
    // The response is a few dozen bytes; of an endless one nothing is kept.
    if (this.#chunks.length < 16) this.#chunks.push(chunk);
    if (last) this.#end(errorCodeOf(Buffer.concat(this.#chunks)), false);
    return true;
  }

  onFailure(): void {
    this.#end(undefined, false);
  }

  #end(errorCode: number | undefined, isOpen: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (isOpen) this.#exchange?.cancel("the server ended the subscription");
    this.#host.onEnded(this, errorCode);
  }
}
