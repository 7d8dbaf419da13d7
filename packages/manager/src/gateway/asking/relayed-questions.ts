/**
 * A legacy server asks a legacy client: the server's request goes to the client under an id of the client's session, and the
 * answer back under the server's. Nothing but ids and tokens is changed; a client that cannot be asked is never bothered.
 * Source: specification 2025-11-25, client/{elicitation,sampling,roots}.
 */
import type { Envelope } from "../../protocol/envelope.ts";
import { JsonRpcCode } from "../../protocol/errors.ts";
import { cancelledNotification } from "../../protocol/legacy.ts";
import { splice } from "../../protocol/splice.ts";
import { type Asking, type AskingCall, canBeAsked, questionToLegacy, refuseQuestion } from "./asking.ts";
import type { Asker, Questions } from "./questions.ts";

interface Asked {
  /** The question's id as the server wrote it. */
  readonly serverId: Buffer;
  /** The token under which the server wants to hear of progress. */
  readonly progressToken: Buffer | undefined;
}

export class RelayedQuestions implements Asking, Asker {
  readonly #host: AskingCall;
  readonly #questions: Questions;
  readonly #asked = new Map<number, Asked>();

  constructor(host: AskingCall, questions: Questions) {
    this.#host = host;
    this.#questions = questions;
  }

  onQuestion(question: Envelope): void {
    const { call, server, profile } = this.#host;
    const serverId = question.raw("id");
    if (serverId === undefined) return;
    if (!canBeAsked(profile, question.method)) {
      const why = `the client takes no ${question.method} requests`;
      return refuseQuestion(this.#host, question, JsonRpcCode.methodNotFound, why);
    }
    const id = this.#questions.add(this);
    if (id === undefined) {
      const why = "the client has too many open questions";
      return refuseQuestion(this.#host, question, JsonRpcCode.internalError, why);
    }
    this.#asked.set(id, { serverId, progressToken: question.raw("progressToken") });
    this.#questions.elicitations.onQuestion(server, question);
    this.#host.holdTime();
    this.#host.toClient(questionToLegacy(call, server, question, id));
  }

  onAnswer(id: number, response: Envelope): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#host.goOn();
    const idEdit = { start: response.start("id"), end: response.end("id"), bytes: asked.serverId };
    this.#host.toServer(splice(response.bytes, [idEdit]));
  }

  onProgress(id: number, notification: Envelope): void {
    const { progressToken } = this.#asked.get(id) ?? {};
    if (progressToken === undefined) return;
    const start = notification.start("paramsProgressToken");
    const end = notification.end("paramsProgressToken");
    this.#host.toServer(splice(notification.bytes, [{ start, end, bytes: progressToken }]));
  }

  onWithdrawn(notification: Envelope): void {
    const serverId = notification.raw("requestId");
    for (const [id, asked] of this.#asked) {
      if (serverId?.equals(asked.serverId)) return this.#withdraw(id, "the server withdrew the question");
    }
  }

  close(): void {
    for (const id of [...this.#asked.keys()]) this.#withdraw(id, "the call that asked is over");
  }

  #withdraw(id: number, reason: string): void {
    this.#asked.delete(id);
    this.#questions.drop(id);
    this.#host.toClient(cancelledNotification(Buffer.from(String(id)), reason));
    if (this.#asked.size === 0) this.#host.goOn();
  }
}
