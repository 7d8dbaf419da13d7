/**
 * Whose is it: what a server says where all calls share one channel (a pipe, or the stream that a legacy session keeps open). What
 * names its call goes there; a question or a log line names none, so it goes to the only call in flight, and to nobody when there
 * are several. It remembers who was asked what, so that the withdrawal of a question finds the same call.
 */
import type { Envelope } from "../protocol/envelope.ts";
import type { Era } from "../protocol/era.ts";
import { errorResponse, JsonRpcCode } from "../protocol/errors.ts";
import { pingResponse } from "../protocol/legacy.ts";
import type { AddressedCall } from "./addressed-call.ts";
import type { ConnectionEvents } from "./connection.ts";
import { channelIdAt } from "./remap.ts";

/** What is asked of a channel. */
export interface AddressingHost {
  /** Undefined until it is known: until then, and in the modern era, the server can ask nothing. */
  readonly era: Era | undefined;
  readonly events: ConnectionEvents;
  /** The call with this number as id and progress token. */
  callOf(channelId: number): AddressedCall | undefined;
  /** The call in flight when there is exactly one, as `onlyOf` tells it. */
  onlyCall(): AddressedCall | undefined;
  notify(message: Buffer): void;
}

/** A server asks for one thing at a time, or a few; of more than this the oldest are forgotten, and withdrawn in vain. */
const questionsMax = 64;

interface Question {
  readonly id: Buffer;
  readonly call: AddressedCall;
}

export class Addressing {
  readonly #host: AddressingHost;
  #questions: Question[] = [];
  /** Whose calls the channel has carried: nobody's, one principal's, or those of several. */
  #principals: "none" | "several" | { readonly only: string } = "none";

  constructor(host: AddressingHost) {
    this.#host = host;
  }

  /** A call of this principal goes out; undefined is nobody's. */
  carries(principal: string | undefined): void {
    if (principal === undefined || this.#principals === "several") return;
    if (this.#principals === "none") this.#principals = { only: principal };
    else if (this.#principals.only !== principal) this.#principals = "several";
  }

  onNotification(envelope: Envelope): void {
    if (envelope.has("subscriptionId") && this.#host.era === "modern") return this.#onSubscribed(envelope);
    const { bytes, method } = envelope;
    const { events } = this.#host;
    switch (method) {
      case "notifications/progress":
        return this.#onProgress(envelope);
      case "notifications/message":
      case "notifications/elicitation/complete": {
        // It may be late, and of a call that was here before: where that can be another principal's, it is nobody's.
        const call = this.#principals === "several" ? undefined : this.#host.onlyCall();
        if (call !== undefined) call.notified(bytes, method);
        else events.onDropped?.(method === "notifications/message" ? "unaddressed_log" : "unaddressed_completion");
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
  ask(call: AddressedCall, question: Envelope, id: Buffer): void {
    if (this.#questions.length >= questionsMax) this.#questions.shift();
    // A copy: the id is a view on the message, which would be kept whole.
    const asked = { id: Buffer.from(id), call };
    this.#questions.push(asked);
    if (call.ask(question)) return;
    this.#questions = this.#questions.filter((other) => other !== asked);
    this.refuse(id, question.method);
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
  forget(call: AddressedCall): void {
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
    if (call?.isSubscription) call.subscribed(envelope);
    else this.#host.events.onDropped?.("unknown_subscription");
  }

  /** A legacy server withdraws a question, a modern one ends a subscription; they cancel nothing else. */
  #onCancelled(envelope: Envelope): void {
    if (this.#host.era === "modern") {
      const ended = this.#host.callOf(
        channelIdAt(envelope.bytes, envelope.start("requestId"), envelope.end("requestId")),
      );
      if (ended?.isSubscription) ended.subscribed(envelope);
      return;
    }
    const id = envelope.raw("requestId");
    const asked = id === undefined ? undefined : this.#questions.findLast((question) => question.id.equals(id));
    asked?.call.notified(envelope.bytes, envelope.method);
  }
}

/** The call that a message without an addressee is for: the only one among `calls`, subscriptions apart. */
export function onlyOf<Call extends AddressedCall>(calls: Iterable<Call>): Call | undefined {
  let only: Call | undefined;
  for (const call of calls) {
    if (call.isSubscription) continue;
    if (only !== undefined) return undefined;
    only = call;
  }
  return only;
}
