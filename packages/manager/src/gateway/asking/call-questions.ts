/**
 * The questions of one call: finds the way of asking for the pair of eras when its server first asks, and ends it with the call. Made
 * by calls whose server asks something, which most never do.
 */
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import type { Session } from "../sessions/session.ts";
import { InputRounds } from "./input-rounds.ts";
import { ParkedQuestions, type ParkingCall } from "./parked-questions.ts";
import { RelayedQuestions } from "./relayed-questions.ts";

export class CallQuestions {
  readonly #host: ParkingCall;
  #relayed: RelayedQuestions | undefined;
  #parked: ParkedQuestions | undefined;
  #rounds: InputRounds | undefined;

  constructor(host: ParkingCall) {
    this.#host = host;
  }

  /** A legacy server asks. */
  onQuestion(question: Envelope): void {
    const { session } = this.#host.call;
    if (session === undefined) (this.#parked ??= new ParkedQuestions(this.#host)).onQuestion(question);
    else (this.#relayed ??= new RelayedQuestions(this.#host, session.questions)).onQuestion(question);
  }

  /** `notifications/cancelled`: a legacy server withdraws a question. */
  onWithdrawn(message: Buffer): void {
    const scan = scanEnvelope(message);
    if (scan.ok) (this.#parked ?? this.#relayed)?.onWithdrawn(scan.envelope);
  }

  /** A modern server asks a legacy client, by an `input_required` response. */
  onInputRequired(response: Buffer, { questions }: Session): void {
    (this.#rounds ??= new InputRounds(this.#host, questions)).onInputRequired(response);
  }

  /** A modern client came again, with answers. */
  onRetry(retry: Envelope): void {
    this.#parked?.onRetry(retry);
  }

  /** The call is over: open questions are nobody's any more. */
  close(): void {
    this.#parked?.close();
    this.#relayed?.close();
    this.#rounds?.close();
  }
}
