/**
 * JSON-RPC over the stdin and stdout of a running server, shared by all its callers: what comes back finds its caller by
 * `Correlation`. Owns the listeners on the two streams; never the process, which the runtime starts and stops, and never the
 * streams' end.
 * Source: specification 2025-11-25 and 2026-07-28, basic/transports/stdio.
 */
import type { Readable, Writable } from "node:stream";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import { Correlation, type MessageWire } from "./correlation.ts";
import { type LineSink, LineSplitter } from "./line-splitter.ts";
import { type Outgoing, PipeWriter } from "./pipe-writer.ts";
import type { SharedChannel } from "./shared-connection.ts";
import { StdioCall } from "./stdio-call.ts";

/** The pipes of a running server. Whoever made the process keeps it. */
export interface StdioStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
}

/** The bounds of a channel. */
export interface StdioLimits {
  /** Longest message taken from the server. Default 16 MiB. */
  readonly messageBytesMax: number;
  /** Bytes that callers have been given and asked to be waited for. Default 8 MiB. */
  readonly undeliveredBytesMax: number;
  /** The longest that a slow caller holds up the others. Default 5 s. */
  readonly pauseMsMax: number;
  /** Bytes that wait to be written. Default 16 MiB; one message is always taken. */
  readonly unwrittenBytesMax: number;
  /** How long the server may leave its stdin unread before requests are refused. Default 10 s. */
  readonly writeTimeoutMs: number;
}

const messageBytesMaxDefault = 16_777_216;
const unwrittenBytesMaxDefault = 16_777_216;
const writeTimeoutMsDefault = 10_000;

export interface StdioChannelOptions {
  readonly streams: StdioStreams;
  /** The name used in messages. */
  readonly server: string;
  readonly events: ConnectionEvents;
  readonly clock: Clock;
  readonly limits?: Partial<StdioLimits>;
}

const noise = {
  reason: "STDOUT_NOISE",
  what: "writes what is no JSON-RPC to its stdout; logs belong on stderr",
};

export class StdioChannel implements SharedChannel, LineSink, MessageWire {
  readonly calls: Correlation;
  readonly #streams: StdioStreams;
  readonly #messageBytesMax: number;
  readonly #splitter: LineSplitter;
  readonly #writer: PipeWriter;

  constructor({ streams, server, events, clock, limits = {} }: StdioChannelOptions) {
    const { undeliveredBytesMax, pauseMsMax } = limits;
    this.#streams = streams;
    this.#messageBytesMax = limits.messageBytesMax ?? messageBytesMaxDefault;
    this.#splitter = new LineSplitter(this, this.#messageBytesMax);
    this.#writer = new PipeWriter({
      stdin: streams.stdin,
      server,
      clock,
      unwrittenBytesMax: limits.unwrittenBytesMax ?? unwrittenBytesMaxDefault,
      writeTimeoutMs: limits.writeTimeoutMs ?? writeTimeoutMsDefault,
      onStalled: (error) => events.onUnhealthy?.(error),
    });
    this.calls = new Correlation(this, { server, clock, events, undeliveredBytesMax, pauseMsMax, noise });
    this.#listen();
  }

  send(request: OutboundRequest, sink: ReplySink, refusal?: ManagerError): Exchange {
    const call = new StdioCall(this.calls, request, sink);
    if (this.calls.admit(call, refusal)) this.#writer.write(call);
    return call;
  }

  notify(message: Buffer): void {
    if (this.calls.closeReason === undefined) this.#writer.write(new OutgoingNotice(message));
  }

  destroy(reason: ManagerError): void {
    if (this.calls.closeReason !== undefined) return;
    this.#writer.close();
    this.#splitter.close();
    // The stream flows on and its bytes are thrown away: a server that is being stopped must not hang on a full pipe.
    this.#streams.stdout.off("data", this.#onData);
    this.calls.close(reason);
  }

  pause(): void {
    this.#streams.stdout.pause();
  }

  resume(): void {
    this.#streams.stdout.resume();
  }

  onLine(line: Buffer, isOwn: boolean): void {
    this.calls.receive(line, isOwn);
  }

  onLineTooLong(): void {
    const { server } = this.calls;
    const message = `server "${server}" sent a message of more than ${this.#messageBytesMax} bytes on stdout`;
    this.destroy(new ManagerError("protocol_error", message, { server, reason: "MESSAGE_TOO_LARGE" }));
  }

  #listen(): void {
    const { stdin, stdout } = this.#streams;
    stdout.on("data", this.#onData);
    stdout.on("end", () => this.#lost("it closed its stdout"));
    stdout.on("close", () => this.#lost("its stdout was closed"));
    stdout.on("error", (error) => this.#lost("its stdout failed", error));
    stdin.on("close", () => this.#lost("its stdin was closed"));
    // These two stay for the stream's life: an error that nobody hears ends the program.
    stdin.on("error", (error) => this.#lost("it does not take input any more", error));
    if (stdin.destroyed || stdout.destroyed || stdout.readableEnded) this.#lost("it has ended");
  }

  #onData = (chunk: Buffer): void => this.#splitter.push(chunk);

  #lost(what: string, cause?: Error): void {
    const { server } = this.calls;
    const why = cause === undefined ? "" : ` (${cause.message})`;
    const message = `the connection to server "${server}" was lost: ${what}${why}`;
    this.destroy(new ManagerError("unavailable", message, { server, reason: "CONNECTION_LOST", cause }));
  }
}

/** A message that nobody waits for. */
class OutgoingNotice implements Outgoing {
  readonly outlastsStall = true;
  readonly #message: Buffer;

  constructor(message: Buffer) {
    this.#message = message;
  }

  get size(): number {
    return this.#message.length;
  }

  take(): Buffer {
    return this.#message;
  }

  unwritten(): void {}

  refuse(): void {}
}
