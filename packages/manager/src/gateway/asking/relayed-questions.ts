/**
 * A legacy server asks a legacy client: the server's request goes to the client under an id of the client's session, and the
 * answer back under the server's. Nothing but ids is changed; a client that cannot be asked is never bothered.
 * Source: specification 2025-11-25, client/{elicitation,sampling,roots}.
 */
import type { Envelope } from "../../protocol/envelope.ts";
import { errorResponse, JsonRpcCode } from "../../protocol/errors.ts";
import { cancelledNotification } from "../../protocol/legacy.ts";
import { splice } from "../../protocol/splice.ts";
import { type Asking, type AskingCall, canBeAsked, originEdits } from "./asking.ts";
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
      return this.#refuse(serverId, JsonRpcCode.methodNotFound, `the client takes no ${question.method} requests`);
    }
    const id = this.#questions.add(this);
    if (id === undefined)
      return this.#refuse(serverId, JsonRpcCode.internalError, "the client has too many open questions");
    this.#asked.set(id, { serverId, progressToken: question.raw("progressToken") });
    this.#host.holdTime();
    const idEdit = { start: question.start("id"), end: question.end("id"), bytes: idBytes(id) };
    const edits = [idEdit, ...originEdits(call, server, question)].sort((a, b) => a.start - b.start);
    this.#host.toClient(splice(question.bytes, edits));
  }

  onAnswer(id: number, response: Envelope): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#host.goOn();
    const idEdit = { start: response.start("id"), end: response.end("id"), bytes: asked.serverId };
    this.#host.toServer(splice(response.bytes, [idEdit]));
  }

  onProgress(notification: Envelope): void {
    const token = notification.raw("paramsProgressToken");
    const isMine = [...this.#asked.values()].some(({ progressToken }) => token && progressToken?.equals(token));
    if (isMine) this.#host.toServer(notification.bytes);
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
    this.#host.toClient(cancelledNotification(idBytes(id), reason));
    if (this.#asked.size === 0) this.#host.goOn();
  }

  #refuse(serverId: Buffer, code: number, message: string): void {
    this.#host.toServer(errorResponse(serverId, code, message));
  }
}

function idBytes(id: number): Buffer {
  return Buffer.from(String(id));
}
