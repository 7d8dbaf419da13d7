/**
 * One request on a shared pipe: knows what it is called there, and what its caller called it. It tells its sink exactly one end;
 * everything else (the table of ids, writing, reading) is its channel's.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Envelope } from "../protocol/envelope.ts";
import type { AddressedCall } from "./addressing.ts";
import type { Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import type { Outgoing } from "./pipe-writer.ts";
import { outboundBytes, withCallersId, withCallersIdInPlace, withCallersToken } from "./remap.ts";
import { isListen, withCallersSubscription, withCallersSubscriptionEnd } from "./subscription-id.ts";

/** What a call needs from its channel. */
export interface StdioCallHost {
  /** The call is over, however it ended. */
  ended(call: StdioCall): void;
  /** Its caller gave up after it was written: the server has to be told. */
  cancelled(id: number, reason: string): void;
  /** Its caller takes bytes again. */
  resumed(call: StdioCall): void;
}

export class StdioCall implements Exchange, Outgoing, AddressedCall {
  /** Its id on the pipe, and its progress token there. */
  readonly id: number;
  readonly outlastsStall = false;
  readonly #host: StdioCallHost;
  readonly #request: OutboundRequest;
  readonly #sink: ReplySink;
  #state: "waiting" | "written" | "over" = "waiting";

  constructor(host: StdioCallHost, id: number, request: OutboundRequest, sink: ReplySink) {
    this.#host = host;
    this.id = id;
    this.#request = request;
    this.#sink = sink;
  }

  get size(): number {
    return this.#request.bytes.length;
  }

  get wantsProgress(): boolean {
    return this.#request.progressTokenStart >= 0;
  }

  get isSubscription(): boolean {
    return isListen(this.#request);
  }

  take(): Buffer | undefined {
    if (this.#state === "over") return undefined;
    this.#state = "written";
    return outboundBytes(this.#request, this.id);
  }

  refuse(error: ManagerError): void {
    this.fail(error);
  }

  cancel(reason: string): void {
    this.#host.resumed(this);
    if (this.#state === "over") return;
    const wasWritten = this.#state === "written";
    this.#end();
    if (wasWritten) this.#host.cancelled(this.id, reason);
  }

  resume(): void {
    this.#host.resumed(this);
  }

  fail(error: ManagerError): void {
    if (this.#state === "over") return;
    this.#end();
    this.#sink.onFailure(error);
  }

  progress(message: Buffer, start: number, end: number): void {
    this.#sink.onNotification(withCallersToken(message, start, end, this.#request), "notifications/progress");
  }

  notified(message: Buffer, method: string): void {
    this.#sink.onNotification(message, method);
  }

  subscribed(message: Envelope): void {
    this.#sink.onNotification(withCallersSubscription(message, this.id, this.#request), message.method);
  }

  ask(question: Envelope): boolean {
    if (this.#sink.onRequest === undefined) return false;
    this.#sink.onRequest(question);
    return true;
  }

  /**
   * The response, its id at [start, end); `isOwn` as in `LineSink`. Gives how many bytes its caller asked to be waited for.
   */
  respond(message: Buffer, start: number, end: number, isOwn: boolean): number {
    this.#end();
    if (this.isSubscription) {
      this.#sink.onResponse(withCallersSubscriptionEnd(message, this.id, this.#request), true);
      return 0;
    }
    const answer = isOwn
      ? withCallersIdInPlace(message, start, end, this.#request)
      : withCallersId(message, start, end, this.#request);
    return this.#sink.onResponse(answer, true) ? 0 : answer.length;
  }

  #end(): void {
    this.#state = "over";
    this.#host.ended(this);
  }
}
