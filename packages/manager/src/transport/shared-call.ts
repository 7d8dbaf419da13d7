/**
 * One request on a channel that all callers share: knows what it is called there, and what its caller called it. It tells its sink
 * exactly one end. The table of calls is `Correlation`'s; how a request gets to its server, and what of it has, is the transport's.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { EventParts } from "../protocol/sse.ts";
import { AddressedCall } from "./addressed-call.ts";
import type { Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import { LongAnswer, notItsAnswer } from "./long-answer.ts";
import { outboundBytes, withCallersId, withCallersIdInPlace } from "./remap.ts";
import { withCallersSubscription, withCallersSubscriptionEnd } from "./subscription-id.ts";

/** Who holds the calls of a channel. */
export interface CallKeeper {
  /** The name used in messages. */
  readonly server: string;
  readonly clock: Clock;
  /** For a call that is made now. */
  newId(): number;
  /** The call is over, however it ended. */
  ended(call: SharedCall): void;
  /** Tells the server that a call of which it may know was given up. */
  withdraw(call: SharedCall, reason: string): void;
  /** A caller took so many bytes and asked for a pause. */
  hold(call: SharedCall, bytes: number): void;
  /** A caller takes bytes again, or is gone. */
  release(call: SharedCall): void;
}

export abstract class SharedCall extends AddressedCall implements Exchange {
  /** Its id on the channel, and its progress token there. */
  readonly id: number;
  protected readonly calls: CallKeeper;
  #isOver = false;

  constructor(calls: CallKeeper, request: OutboundRequest, sink: ReplySink) {
    super(request, sink);
    this.calls = calls;
    this.id = calls.newId();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Who asks, as far as that matters to a channel that several share. */
  get principal(): string | undefined {
    return this.request.principal;
  }

  /** Whether the server may have seen some of it. */
  protected abstract get isWritten(): boolean;

  /** The request as the server gets it. */
  wireBytes(): Buffer {
    return outboundBytes(this.request, this.id);
  }

  cancel(reason: string): void {
    this.calls.release(this);
    if (this.#isOver) return;
    this.end();
    this.onCancelled(reason);
  }

  resume(): void {
    this.calls.release(this);
  }

  fail(error: ManagerError): void {
    if (this.#isOver) return;
    this.end();
    this.sink.onFailure(error, this.isWritten);
  }

  subscribed(message: Envelope): void {
    this.sink.onNotification(withCallersSubscription(message, this.id, this.request), message.method);
  }

  /** The response, its id at [start, end); `isOwn` as in `LineSink`. Gives how many bytes its caller asked to be waited for. */
  respond(message: Buffer, start: number, end: number, isOwn: boolean): number {
    this.end();
    if (this.isSubscription) {
      this.sink.onResponse(withCallersSubscriptionEnd(message, this.id, this.request), true);
      return 0;
    }
    const answer = isOwn
      ? withCallersIdInPlace(message, start, end, this.request)
      : withCallersId(message, start, end, this.request);
    return this.sink.onResponse(answer, true) ? 0 : answer.length;
  }

  /** Its response is long and begins like this: who takes the rest of it; undefined when it has to be held whole. */
  respondLong(head: Buffer): EventParts | undefined {
    const answer = LongAnswer.begin(head, this.request, this.id);
    if (answer === undefined) return undefined;
    return {
      onPart: (part) => this.#pass(answer.push(part)),
      onWhole: () => this.#endLong(answer.end()),
    };
  }

  /** Its caller gave up: the server has to be told, if it may have seen it. */
  protected abstract onCancelled(reason: string): void;

  protected end(): void {
    this.#isOver = true;
    this.calls.ended(this);
  }

  #pass(part: Buffer | undefined): void {
    if (part === undefined || this.#isOver) return;
    if (!this.sink.onResponse(part, false)) this.calls.hold(this, part.length);
  }

  #endLong(last: Buffer | undefined): void {
    if (this.#isOver) return;
    if (last === undefined) return this.fail(notItsAnswer(this.calls.server));
    this.end();
    if (!this.sink.onResponse(last, true)) this.calls.hold(this, last.length);
  }
}
