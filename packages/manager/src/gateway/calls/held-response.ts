/**
 * The beginning of a response that comes in pieces, held back because of what the rest may say: that the server asks for something, or
 * links that have to be renamed. Holds bytes; what they are is for the call to say.
 */
import type { Era } from "../../protocol/era.ts";
import { type Outcome, outcomeOf } from "../../protocol/response.ts";
import { isTaskMethod } from "../../protocol/tasks.ts";
import { mayAsk } from "./call-lease.ts";
import type { Call } from "./call.ts";
import { beginningFor } from "./shape.ts";

/** A response that has to be seen whole is given up beyond this; as much as a remote server's message may have. */
const wholeBytesMax = 64 * 1024 * 1024;
/** A response of which so much was seen, in pieces, asks for nothing: questions are short, or come first. */
const questionBytesMax = 16_384;
/** On the aggregate so much of a response is looked through for links; in a longer one they stay as they are (0006). */
const linkedBytesMax = 262_144;
/** Of the result's keys that only a question has, ends that begin with a rare byte: those are found quickly. */
const askingKeys: readonly (readonly [Buffer, Buffer])[] = [
  [Buffer.from('Requests"'), Buffer.from('"inputRequests"')],
  [Buffer.from('State"'), Buffer.from('"requestState"')],
];

const noBytes: Buffer = Buffer.alloc(0);

/** Whether a response with this outcome is for the client as it is. */
export function isAnswer(outcome: Outcome): boolean {
  return outcome !== "protocol_error" && outcome !== "input_required";
}

export class HeldResponse {
  /** Once so many are there, it can be judged by its beginning. */
  readonly #enoughBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #outcome: Outcome | undefined;

  constructor({ view, envelope, era }: Call) {
    const linkedMax = view.kind === "aggregate" ? linkedBytesMax : questionBytesMax;
    const isOfTask = isTaskMethod(envelope.method, era);
    // The task's id may stand anywhere in it, and is another for the client.
    this.#enoughBytes = isOfTask ? Infinity : mayAsk(envelope.method) ? linkedMax : 0;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * Once there is enough to judge it by: the pieces of a response that can go out as it comes, as this client is to get them. Undefined
   * before, and when it has to be seen whole.
   */
  opening({ era, envelope }: Call, serverEra: Era | undefined): readonly Buffer[] | undefined {
    if (this.#outcome !== undefined || this.#bytes < this.#enoughBytes || !isAnswer(this.judge())) return undefined;
    const [first = noBytes, ...rest] = this.#chunks;
    const opened = beginningFor(first, envelope.method, era, serverEra ?? era);
    return opened === undefined ? undefined : [opened, ...rest];
  }

  get isTooLong(): boolean {
    return this.#bytes > wholeBytesMax;
  }

  /** All that came so far, in one piece. */
  joined(): Buffer {
    const [first] = this.#chunks;
    if (first === undefined || this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? noBytes;
  }

  /** How the call ended whose response begins like this; asked again it says the same. */
  judge(): Outcome {
    return (this.#outcome ??= this.#judged());
  }

  #judged(): Outcome {
    const [first] = this.#chunks;
    // A long first piece shows what there is to see: the others need not be joined to it.
    const outcome = outcomeOf(first !== undefined && first.length >= questionBytesMax ? first : this.joined());
    return outcome === "result" && this.#chunks.some(mayAskAtItsEnd) ? "input_required" : outcome;
  }
}

/** A server that asks may say only at the end that it does. */
function mayAskAtItsEnd(piece: Buffer): boolean {
  return askingKeys.some(([end, key]) => piece.includes(end) && piece.includes(key));
}
