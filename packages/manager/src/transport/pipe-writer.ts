/**
 * Messages into a pipe, one a line: all that wait leave together in one write per turn of the event loop. It waits for `drain`,
 * for a bounded time and with a bounded queue; what it has not written it hands back. It neither opens nor ends the pipe.
 *
 *   flowing ──▶ full ──▶ stalled      full: the pipe takes no more; stalled: for too long, so that requests are refused at once
 *      ▲          │         │
 *      └──────────┴─────────┘ drain
 */
import type { Writable } from "node:stream";
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";

/** Something that wants to be written. */
export interface Outgoing {
  /** About how many bytes it has. */
  readonly size: number;
  /** Called when it is its turn: the message, or undefined when it is no longer wanted. */
  take(): Buffer | undefined;
  /** It was taken, and yet nothing of it was written, nor will be: the pipe is broken, which its owner hears of too. */
  unwritten(): void;
  /** It will not be written; the other side has seen nothing of it. */
  refuse(error: ManagerError): void;
  /** Whether it is worth keeping while the other side does not read: a cancellation is, a request is not. */
  readonly outlastsStall: boolean;
}

export interface PipeWriterOptions {
  readonly stdin: Writable;
  /** For messages. */
  readonly server: string;
  readonly clock: Clock;
  /** Bytes that may wait. */
  readonly unwrittenBytesMax: number;
  /** How long the pipe may take nothing. */
  readonly writeTimeoutMs: number;
  /** The other side has not read for `writeTimeoutMs`. */
  onStalled(error: ManagerError): void;
}

/** Messages leave together up to this many bytes; a longer one leaves alone. */
const batchBytes = 65_536;

export class PipeWriter {
  readonly #options: PipeWriterOptions;
  #queue: Outgoing[] = [];
  #queueBytes = 0;
  #isScheduled = false;
  #isFull = false;
  #isClosed = false;
  #stalled: ManagerError | undefined;
  #timer: Timer | undefined;

  constructor(options: PipeWriterOptions) {
    this.#options = options;
  }

  /** Writes at the end of this turn, or later; or refuses, later too: never from inside this call. */
  write(outgoing: Outgoing): void {
    const refusal = this.#refusalOf(outgoing);
    if (refusal !== undefined) {
      queueMicrotask(() => outgoing.refuse(refusal));
      return;
    }
    this.#queue.push(outgoing);
    this.#queueBytes += outgoing.size;
    if (this.#isScheduled || this.#isFull) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  /** Forgets what waits, unrefused, and writes nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#timer?.cancel();
    this.#options.stdin.off("drain", this.#onDrain);
  }

  #refusalOf(outgoing: Outgoing): ManagerError | undefined {
    if (this.#stalled !== undefined && !outgoing.outlastsStall) return this.#stalled;
    const { server, unwrittenBytesMax } = this.#options;
    if (this.#queue.length === 0 || this.#queueBytes + outgoing.size <= unwrittenBytesMax) return undefined;
    const message = `server "${server}" reads its stdin too slowly: ${this.#queueBytes} bytes wait to be written`;
    return new ManagerError("resource_exhausted", message, { server, reason: "STDIN_QUEUE_FULL" });
  }

  #flush = (): void => {
    this.#isScheduled = false;
    const { stdin } = this.#options;
    while (this.#queue.length > 0 && !this.#isFull && !this.#isClosed) {
      const waiting = this.#queue;
      const batch = this.#nextBatch();
      if (batch === undefined) continue;
      const takesMore = stdin.write(batch);
      // A pipe that breaks after a part of a write says so later; one that is over by now has taken nothing of this one.
      if (!stdin.writable) return takeBack(waiting, waiting.length - this.#queue.length);
      if (!takesMore) this.#waitForDrain();
    }
  };

  #nextBatch(): Buffer | undefined {
    const frames: Buffer[] = [];
    let bytes = 0;
    let taken = 0;
    for (const outgoing of this.#queue) {
      if (taken > 0 && bytes + outgoing.size > batchBytes) break;
      taken++;
      this.#queueBytes -= outgoing.size;
      const message = outgoing.take();
      if (message === undefined) continue;
      frames.push(asOneLine(message), newline);
      bytes += message.length + 1;
    }
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    return frames.length === 0 ? undefined : Buffer.concat(frames, bytes);
  }

  #waitForDrain(): void {
    const { stdin, clock, writeTimeoutMs } = this.#options;
    this.#isFull = true;
    stdin.once("drain", this.#onDrain);
    this.#timer = clock.after(writeTimeoutMs, () => this.#onStalled());
  }

  #onDrain = (): void => {
    this.#isFull = false;
    this.#stalled = undefined;
    this.#timer?.cancel();
    this.#flush();
  };

  #onStalled(): void {
    const { server, writeTimeoutMs } = this.#options;
    const error = new ManagerError(
      "unavailable",
      `server "${server}" has not read its stdin for ${writeTimeoutMs} ms`,
      {
        server,
        reason: "STDIN_STALLED",
      },
    );
    this.#stalled = error;
    const refused = this.#queue.filter((outgoing) => !outgoing.outlastsStall);
    this.#queue = this.#queue.filter((outgoing) => outgoing.outlastsStall);
    this.#queueBytes = this.#queue.reduce((sum, outgoing) => sum + outgoing.size, 0);
    this.#options.onStalled(error);
    for (const outgoing of refused) outgoing.refuse(error);
  }
}

function takeBack(queue: readonly Outgoing[], count: number): void {
  for (const outgoing of queue.slice(0, count)) outgoing.unwritten();
}

const newline = Buffer.from("\n");
const space = 0x20;

/**
 * The message without line ends. In JSON they stand between tokens only, where a space says the same; CR too, because many
 * programs take it for the end of a line. The message itself is left as it is.
 */
function asOneLine(message: Buffer): Buffer {
  if (!message.includes(0x0a) && !message.includes(0x0d)) return message;
  const line = Buffer.from(message);
  for (let i = 0; i < line.length; i++) if (line[i] === 0x0a || line[i] === 0x0d) line[i] = space;
  return line;
}
