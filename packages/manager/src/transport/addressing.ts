/**
 * Whose is it: what a server says where all calls share one channel (a pipe, or the stream that a legacy session keeps open). What
 * names its call goes there; a question or a log line names none, so it goes to the only call in flight, and to nobody when there
 * are several. It remembers who was asked what, so that the withdrawal of a question finds the same call.
 */
import type { Envelope } from "../protocol/envelope.ts";
import type { Era } from "../protocol/era.ts";
import { errorResponse, JsonRpcCode } from "../protocol/errors.ts";
import { pingResponse } from "../protocol/legacy.ts";
import type { ConnectionEvents } from "./connection.ts";
import { channelIdAt } from "./remap.ts";

/** A call in flight, as one that may be spoken to. */
export interface AddressedCall {
  readonly wantsProgress: boolean;
  /** Modern: it is a `subscriptions/listen`, and what names no call is not its. */
  readonly isSubscription?: boolean;
  /** A progress notification whose token stands at [start, end). */
  progress(message: Buffer, start: number, end: number): void;
  /** A notification that names no call. */
  notified(message: Buffer, method: string): void;
  /** What its subscription is told, and that the server has ended it. */
  subscribed?(message: Envelope): void;
  /** A question of the server's; false when its caller takes none. */
  ask(question: Envelope): boolean;
}

/** What is asked of a channel. */
export interface AddressingHost<Call> {
  /** Undefined until it is known: until then, and in the modern era, the server can ask nothing. */
  readonly era: Era | undefined;
  readonly events: ConnectionEvents;
  /** The call with this number as id and progress token. */
  callOf(channelId: number): Call | undefined;
  /** The call in flight when there is exactly one, as `onlyOf` tells it. */
  onlyCall(): Call | undefined;
  notify(message: Buffer): void;
}

/** A server asks for one thing at a time, or a few; of more than this the oldest are forgotten, and withdrawn in vain. */
const questionsMax = 64;

interface Question<Call> {
  readonly id: Buffer;
  readonly call: Call;
}

export class Addressing<Call extends AddressedCall> {
  readonly #host: AddressingHost<Call>;
  #questions: Question<Call>[] = [];

  constructor(host: AddressingHost<Call>) {
    this.#host = host;
  }

  onNotification(envelope: Envelope): void {
    if (envelope.has("subscriptionId") && this.#host.era === "modern") return this.#onSubscribed(envelope);
    const { bytes, method } = envelope;
    const { events } = this.#host;
    switch (method) {
      case "notifications/progress":
        return this.#onProgress(envelope);
      case "notifications/message": {
        const call = this.#host.onlyCall();
        if (call !== undefined) call.notified(bytes, method);
        else events.onDropped?.("unaddressed_log");
        return;
      }
      case "notifications/cancelled":
        return this.#onCancelled(envelope);
      default:
        events.onNotification(bytes, method);
    }
  }

  onRequest(envelope: Envelope): void {
    const id = envelope.raw("id");
    if (id === undefined) return;
    const { method } = envelope;
    if (method === "ping" || this.#host.era !== "legacy") return this.refuse(id, method);
    const call = this.#host.onlyCall();
    if (call !== undefined) return this.ask(call, envelope, id);
    this.#host.events.onDropped?.("unaddressed_request");
    this.#host.notify(errorResponse(id, JsonRpcCode.methodNotFound, `nobody can be asked ${method} now`));
  }

  /** Gives a question to the call that it is known to belong to. `id` is the question's, as written. */
  ask(call: Call, question: Envelope, id: Buffer): void {
    if (this.#questions.length >= questionsMax) this.#questions.shift();
    // A copy: the id is a view on the message, which would be kept whole.
    this.#questions.push({ id: Buffer.from(id), call });
    if (!call.ask(question)) this.refuse(id, question.method);
  }

  /** Answers a request of the server's that is no question, or that nobody takes. */
  refuse(id: Buffer, method: string): void {
    this.#host.notify(
      method === "ping"
        ? pingResponse(id)
        : errorResponse(id, JsonRpcCode.methodNotFound, `the manager takes no ${method} requests`),
    );
  }

  /** The call is over. */
  forget(call: Call): void {
    if (this.#questions.length > 0) this.#questions = this.#questions.filter((question) => question.call !== call);
  }

  #onProgress(envelope: Envelope): void {
    const start = envelope.start("paramsProgressToken");
    const end = envelope.end("paramsProgressToken");
    const call = this.#host.callOf(channelIdAt(envelope.bytes, start, end));
    if (call?.wantsProgress) call.progress(envelope.bytes, start, end);
    else this.#host.events.onDropped?.("unaddressed_progress");
  }

  #onSubscribed(envelope: Envelope): void {
    const { bytes } = envelope;
    const call = this.#host.callOf(
      channelIdAt(bytes, envelope.start("subscriptionId"), envelope.end("subscriptionId")),
    );
    if (call?.isSubscription === true) call.subscribed?.(envelope);
    else this.#host.events.onDropped?.("unknown_subscription");
  }

  /** A legacy server withdraws a question, a modern one ends a subscription; they cancel nothing else. */
  #onCancelled(envelope: Envelope): void {
    if (this.#host.era === "modern") {
      const ended = this.#host.callOf(
        channelIdAt(envelope.bytes, envelope.start("requestId"), envelope.end("requestId")),
      );
      if (ended?.isSubscription === true) ended.subscribed?.(envelope);
      return;
    }
    const id = envelope.raw("requestId");
    const asked = id === undefined ? undefined : this.#questions.findLast((question) => question.id.equals(id));
    const call = asked?.call ?? this.#host.onlyCall();
    call?.notified(envelope.bytes, envelope.method);
  }
}

/** The call that a message without an addressee is for: the only one among `calls`, subscriptions apart. */
export function onlyOf<Call extends AddressedCall>(calls: Iterable<Call>): Call | undefined {
  let only: Call | undefined;
  for (const call of calls) {
    if (call.isSubscription === true) continue;
    if (only !== undefined) return undefined;
    only = call;
  }
  return only;
}
