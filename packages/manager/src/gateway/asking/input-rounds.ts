/**
 * A modern server asks a legacy client: its `input_required` result becomes requests to the client, and their answers go back in a
 * retry of the call. Bounded in rounds; a client that answers with an error ends the call, because a retry can carry none.
 * Source: specification 2026-07-28, basic/patterns/mrtr.
 */
import { ManagerError } from "@mcp-manager/api";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import { cancelledNotification } from "../../protocol/legacy.ts";
import { type InputRequest, readInputRequired } from "../../protocol/input-required.ts";
import { type AskingCall, canBeAsked, questionToLegacy } from "./asking.ts";
import type { Asker, Questions } from "./questions.ts";

/** Results that ask again, of one call. The official SDK stops at eight too. */
const roundsMax = 8;

export class InputRounds implements Asker {
  readonly #host: AskingCall;
  readonly #questions: Questions;
  /** Open questions and the server's keys for them. */
  readonly #asked = new Map<number, string>();
  #answers = new Map<string, Buffer>();
  #state: Buffer | undefined;
  #round = 0;
  #isOver = false;

  constructor(host: AskingCall, questions: Questions) {
    this.#host = host;
    this.#questions = questions;
  }

  /** An `input_required` response, whole. */
  onInputRequired(response: Buffer): void {
    const { server, profile } = this.#host;
    const wanted = readInputRequired(response);
    if (wanted === undefined) return this.#refuse(`server "${server}" asked for input in a way that cannot be read`);
    if (++this.#round > roundsMax)
      return this.#refuse(`server "${server}" asked for input ${this.#round} times in one call`);
    const unasked = wanted.requests.find(({ method }) => !canBeAsked(profile, method));
    if (unasked !== undefined) {
      return this.#refuse(`server "${server}" asked for ${unasked.method}, which the client did not offer`);
    }
    this.#answers = new Map();
    this.#state = wanted.state;
    if (wanted.requests.length === 0) return this.#host.retry(this.#answers, this.#state);
    this.#host.holdTime();
    for (const request of wanted.requests) {
      // With one that cannot be asked, or a client that does not read, the call is over.
      if (!this.#isOver) this.#ask(request);
    }
  }

  onAnswer(id: number, response: Envelope): void {
    const key = this.#asked.get(id);
    if (key === undefined) return;
    this.#asked.delete(id);
    const result = response.raw("result");
    if (result === undefined) {
      const { server } = this.#host;
      const message = `the client answered a question of server "${server}" with an error, so its call cannot go on`;
      return this.#host.fail(
        "refused",
        new ManagerError("failed_precondition", message, { server, reason: "QUESTION_REFUSED" }),
      );
    }
    this.#answers.set(key, result);
    if (this.#asked.size > 0) return;
    this.#host.goOn();
    this.#host.retry(this.#answers, this.#state);
  }

  onProgress(): void {
    // A retry cannot tell of it.
  }

  /** The call is over. */
  close(): void {
    this.#isOver = true;
    for (const id of this.#asked.keys()) {
      this.#questions.drop(id);
      this.#host.toClient(cancelledNotification(Buffer.from(String(id)), "the call that asked is over"));
    }
    this.#asked.clear();
  }

  #ask({ key, method, params }: InputRequest): void {
    const { call, server } = this.#host;
    const given = params === undefined ? "" : `,"params":${params.toString()}`;
    const scan = scanEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":0,"method":${JSON.stringify(method)}${given}}`));
    if (!scan.ok) return this.#refuse(`server "${server}" asked for input in a way that cannot be read`);
    const id = this.#questions.add(this);
    if (id === undefined) return this.#refuse("the client has too many open questions");
    this.#asked.set(id, key);
    this.#host.toClient(questionToLegacy(call, server, scan.envelope, id));
  }

  #refuse(message: string): void {
    const { server } = this.#host;
    this.#host.fail(
      "protocol_error",
      new ManagerError("protocol_error", message, { server, reason: "INPUT_REQUIRED" }),
    );
  }
}
