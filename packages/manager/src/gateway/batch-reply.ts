/**
 * The answers to the requests of one batch in its one HTTP response: events as they come for a caller that takes events, else one JSON
 * array when all are there. Each request has a reply of its own, filled as if it were alone.
 * Source: specification 2025-03-26, basic/transports ("Sending Messages to the Server").
 */
import { type Placed, SwapList } from "../base/swap-list.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { errorResponse, JsonRpcCode } from "../protocol/errors.ts";
import type { HttpReply, Reply, ReplyListener } from "./reply.ts";

/** What all responses of a batch that are not on their way yet may have, together. */
const heldBytesMax = 16 * 1024 * 1024;

/** The answers to the requests of one batch. */
export class BatchReply implements ReplyListener {
  readonly #out: HttpReply;
  readonly #open = new SwapList<PartReply>();
  /** For a caller that takes no events. */
  readonly #answers: Buffer[] = [];
  #heldBytes = 0;

  /** `out` is answered with 202 when there are no requests. */
  constructor(out: HttpReply) {
    this.#out = out;
    out.listener = this;
  }

  get out(): HttpReply {
    return this.#out;
  }

  /** Each message with its reply. All are made before any is used. */
  messages(envelopes: readonly Envelope[]): readonly { readonly envelope: Envelope; readonly reply: Reply }[] {
    const messages = envelopes.map((envelope) => ({ envelope, reply: new PartReply(this, envelope.raw("id")) }));
    for (const { envelope, reply } of messages) if (envelope.kind === "request") this.#open.add(reply);
    if (this.#open.size === 0) this.#out.empty(202);
    return messages;
  }

  onClientGone(): void {
    for (const part of [...this.#open]) {
      this.#open.remove(part);
      part.listener?.onClientGone();
    }
  }

  /** Parts take everything, and are never told to wait. */
  onDrain(): void {}

  /** For parts: counts bytes that cannot leave yet; false when there are too many. */
  hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    return this.#heldBytes + this.#out.waitingBytes <= heldBytesMax;
  }

  /** For parts: a response, or the end of a call that was cancelled. */
  done(part: PartReply, message: Buffer | undefined): void {
    if (!this.#open.remove(part)) return;
    const takesEvents = this.#out.takesEvents;
    this.#heldBytes -= part.heldBytes;
    if (message !== undefined && takesEvents) this.#out.oneOfSeveral(message);
    else if (message !== undefined) {
      this.#heldBytes += message.length;
      this.#answers.push(message);
    }
    if (this.#open.size > 0) return;
    if (takesEvents || this.#answers.length === 0) this.#out.end();
    else this.#out.json(200, arrayOf(this.#answers));
  }
}

/** The answer to one message of a batch. */
class PartReply implements Reply, Placed {
  listener: ReplyListener | undefined;
  /** Among the requests that are not answered yet. */
  place = -1;
  heldBytes = 0;
  readonly #batch: BatchReply;
  readonly #id: Buffer | undefined;
  #chunks: Buffer[] = [];

  constructor(batch: BatchReply, id: Buffer | undefined) {
    this.#batch = batch;
    this.#id = id;
  }

  get ended(): boolean {
    return this.place < 0 || this.#batch.out.ended;
  }

  get takesEvents(): boolean {
    return this.#batch.out.takesEvents;
  }

  get address(): string | undefined {
    return this.#batch.out.address;
  }

  json(_status: number, body: Buffer): void {
    this.#chunks = [];
    this.response(body, true);
  }

  empty(): void {
    this.end();
  }

  notification(message: Buffer): boolean {
    return this.ended || this.#batch.out.notification(message);
  }

  /** Held until it is whole: pieces of several responses must not mix. */
  response(chunk: Buffer, last: boolean): boolean {
    if (this.ended) return true;
    this.heldBytes += chunk.length;
    if (!this.#batch.hold(chunk.length)) this.#batch.done(this, tooLarge(this.#id));
    this.#chunks.push(chunk);
    if (last) this.#batch.done(this, this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks));
    if (this.ended) this.#chunks = [];
    return true;
  }

  keepAlive(): void {
    this.#batch.out.keepAlive();
  }

  end(): void {
    this.#chunks = [];
    this.#batch.done(this, undefined);
  }
}

function tooLarge(id: Buffer | undefined): Buffer {
  const message = `the responses of the batch are larger than ${heldBytesMax} bytes: send this request alone`;
  return errorResponse(id, JsonRpcCode.internalError, message);
}

function arrayOf(messages: readonly Buffer[]): Buffer {
  const parts = messages.flatMap((message, i) => [Buffer.from(i === 0 ? "[" : ","), message]);
  return Buffer.concat([...parts, Buffer.from("]")]);
}
