/**
 * The stream that a legacy server may write to while it serves no request (2025-11-25, basic/transports, "Listening for Messages from
 * the Server"): held open by GET for as long as its session, taken up again when it breaks, and given up for good when the server
 * has none. It counts as no call and keeps none from a connection; what comes on it finds its call by `Addressing`.
 */
import type { Timer } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { classifyFrame } from "../protocol/response.ts";
import type { Addressing } from "./addressing.ts";
import { ResumableStream, type StreamOwner, standingRule, type StreamEnd } from "./resumable-stream.ts";
import type { ConnectionEvents } from "./connection.ts";
import type { HttpCall, HttpTarget } from "./http-call.ts";
import type { HttpOrigin } from "./http-origin.ts";
import { noiseText } from "./noise-gauge.ts";
import { channelIdAt } from "./remap.ts";

export interface StandingStreamOptions {
  readonly target: HttpTarget;
  readonly addressing: Addressing;
  readonly events: ConnectionEvents;
  readonly random: Random;
  /** Request line and headers of the GET, each line ended by CRLF, without the closing line. */
  readonly head: () => string;
  readonly callOf: (channelId: number) => HttpCall | undefined;
  /** The server gave the stream before and does not know its session any more. */
  readonly onForgotten: () => void;
}

/** A server that holds back the head of a stream until it has something to say is waited for this long. */
const answerMsMax = 1_000;

export class StandingStream implements StreamOwner {
  readonly origin: HttpOrigin;
  readonly eventBytesMax: number;
  readonly #options: StandingStreamOptions;
  readonly #stream: ResumableStream;
  /** Resolves once the server can write to the stream, or will not for now; soon, in any case. */
  readonly answered: Promise<void>;
  #resolveAnswered: () => void = () => {};
  #late: Timer | undefined;

  constructor(options: StandingStreamOptions) {
    this.#options = options;
    this.origin = options.target.origin;
    this.eventBytesMax = options.target.messageBytesMax;
    this.#stream = new ResumableStream(this, standingRule(options.random));
    this.answered = new Promise((resolve) => {
      this.#resolveAnswered = resolve;
    });
  }

  open(): void {
    // The stream takes a connection; the only one there may be is for calls.
    if (this.origin.options.connectionsMax === 1) return this.onStreamAnswered();
    this.#late = this.origin.clock.after(answerMsMax, () => this.#resolveAnswered());
    this.#stream.open();
  }

  close(): void {
    this.#stream.close();
    this.onStreamAnswered();
  }

  onStreamAnswered(): void {
    this.#late?.cancel();
    this.#resolveAnswered();
  }

  streamHead(): string {
    return this.#options.head();
  }

  onEvent(data: Buffer): void {
    const { addressing, events, callOf } = this.#options;
    const frame = classifyFrame(data);
    switch (frame.kind) {
      case "notification":
        return addressing.onNotification(frame.envelope);
      case "request":
        return addressing.onRequest(frame.envelope);
      case "response":
        // It belongs on the stream of its request, but servers with one stream for all answer here.
        return callOf(channelIdAt(data, frame.idStart, frame.idEnd))?.onEvent(data);
      case "noise":
        return events.onNoise(noiseText(data));
    }
  }

  onStreamOver({ refusedWith, hadBegun }: StreamEnd): void {
    this.onStreamAnswered();
    if (refusedWith === 404 && hadBegun) this.#options.onForgotten();
  }
}
