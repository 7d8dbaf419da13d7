/**
 * A legacy server asks a modern client: its requests become one `input_required` result, the call is parked with its server still
 * waiting, and the client's next request brings the answers. Owns the open questions of one call.
 * Source: specification 2026-07-28, basic/patterns/mrtr; protocol.md §2.2 (modern client, legacy server).
 */
import type { Timer } from "../../base/clock.ts";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import { JsonRpcCode } from "../../protocol/errors.ts";
import { type InputRequest, readInputResponses } from "../../protocol/input-required.ts";
import { splice } from "../../protocol/splice.ts";
import { resultResponse } from "../../protocol/results.ts";
import { type Asking, type AskingCall, canBeAsked, capabilityFor, originEdits, refuseQuestion } from "./asking.ts";

/** What a parked call needs of its call beside asking. */
export interface ParkingCall extends AskingCall {
  /** Answers the client with these questions and waits for it to come again. */
  park(requests: readonly InputRequest[]): void;
  /** The server asks what the client did not offer: the call ends as that. */
  lacks(capability: string): void;
}

/** Questions that a server sends together leave in one result. */
const gatherMs = 20;
/** Questions that one call may have open; a server of a client that is away must not heap them up. */
const openMax = 64;

interface Open extends InputRequest {
  /** The question's id as the server wrote it. */
  readonly serverId: Buffer;
}

export class ParkedQuestions implements Asking {
  readonly #host: ParkingCall;
  readonly #open = new Map<string, Open>();
  #count = 0;
  #gathering: Timer | undefined;
  #isAttended = true;

  constructor(host: ParkingCall) {
    this.#host = host;
  }

  onQuestion(question: Envelope): void {
    const { call, server, profile } = this.#host;
    const serverId = question.raw("id");
    if (serverId === undefined) return;
    const { method } = question;
    if (!canBeAsked(profile, method)) return this.#host.lacks(capabilityFor(method) ?? method);
    if (this.#open.size >= openMax) {
      const why = "the client has too many open questions";
      return refuseQuestion(this.#host, question, JsonRpcCode.internalError, why);
    }
    const scan = scanEnvelope(splice(question.bytes, originEdits(call, server, question)));
    const params = scan.ok ? scan.envelope.raw("params") : undefined;
    const key = `${server}-${++this.#count}`;
    this.#open.set(key, { key, method, params, serverId });
    this.#gather();
  }

  onWithdrawn(notification: Envelope): void {
    const serverId = notification.raw("requestId");
    for (const [key, open] of this.#open) if (serverId?.equals(open.serverId)) this.#open.delete(key);
  }

  /** The client came again; what it left unanswered is asked again. */
  onRetry(retry: Envelope): void {
    this.#isAttended = true;
    for (const [key, answer] of readInputResponses(retry)) {
      const open = this.#open.get(key);
      if (open === undefined) continue;
      this.#open.delete(key);
      this.#host.toServer(resultResponse(open.serverId, answer));
    }
    if (this.#open.size > 0) this.#gather();
  }

  close(): void {
    this.#gathering?.cancel();
    this.#open.clear();
  }

  #gather(): void {
    if (!this.#isAttended) return;
    this.#gathering ??= this.#host.clock.after(gatherMs, () => {
      this.#gathering = undefined;
      if (this.#open.size === 0) return;
      this.#isAttended = false;
      this.#host.park([...this.#open.values()]);
    });
  }
}
