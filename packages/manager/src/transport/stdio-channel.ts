/**
 * JSON-RPC over the stdin and stdout of a running server, shared by all its callers: every request gets a number of its own as id
 * and as progress token, and what comes back finds its caller by it. Owns the listeners on the two streams and the requests in
 * flight; never the process, which the runtime starts and stops, and never the streams' end.
 *
 * A caller that takes its bytes slowly makes reading stop, for everybody, above 8 MiB and for five seconds at most (`Backlog`).
 * Source: specification 2025-11-25 and 2026-07-28, basic/transports/stdio.
 */
import type { Readable, Writable } from "node:stream";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Era } from "../protocol/era.ts";
import { cancelledNotification } from "../protocol/legacy.ts";
import { classifyFrame } from "../protocol/response.ts";
import { Addressing, type AddressingHost, onlyOf } from "./addressing.ts";
import { Backlog } from "./backlog.ts";
import { CallTable } from "./call-table.ts";
import type { ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import { type LineSink, LineSplitter } from "./line-splitter.ts";
import { NoiseGauge, noiseText } from "./noise-gauge.ts";
import { type Outgoing, PipeWriter } from "./pipe-writer.ts";
import { channelIdAt } from "./remap.ts";
import { StdioCall, type StdioCallHost } from "./stdio-call.ts";

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

const defaultLimits: StdioLimits = {
  messageBytesMax: 16_777_216,
  undeliveredBytesMax: 8_388_608,
  pauseMsMax: 5_000,
  unwrittenBytesMax: 16_777_216,
  writeTimeoutMs: 10_000,
};

export interface StdioChannelOptions {
  readonly streams: StdioStreams;
  /** The name used in messages. */
  readonly server: string;
  readonly events: ConnectionEvents;
  readonly clock: Clock;
  readonly limits?: Partial<StdioLimits>;
}

export class StdioChannel implements StdioCallHost, LineSink, AddressingHost<StdioCall> {
  readonly closed: Promise<ManagerError>;
  readonly server: string;
  readonly clock: Clock;
  readonly events: ConnectionEvents;
  /** What the server speaks; set once that is known. */
  era: Era | undefined;
  /** Called when the last request in flight has ended. */
  onIdle: (() => void) | undefined;
  readonly #streams: StdioStreams;
  readonly #messageBytesMax: number;
  readonly #calls = new CallTable<StdioCall>();
  readonly #addressing = new Addressing<StdioCall>(this);
  readonly #splitter: LineSplitter;
  readonly #writer: PipeWriter;
  readonly #backlog: Backlog;
  readonly #noise: NoiseGauge;
  #closeReason: ManagerError | undefined;
  #resolveClosed: (reason: ManagerError) => void = () => {};

  constructor(options: StdioChannelOptions) {
    const { streams, server, events, clock } = options;
    const limits = { ...defaultLimits, ...options.limits };
    this.server = server;
    this.clock = clock;
    this.#streams = streams;
    this.events = events;
    this.#messageBytesMax = limits.messageBytesMax;
    this.#noise = new NoiseGauge(clock);
    this.#splitter = new LineSplitter(this, limits.messageBytesMax);
    this.#writer = new PipeWriter({
      stdin: streams.stdin,
      server,
      clock,
      unwrittenBytesMax: limits.unwrittenBytesMax,
      writeTimeoutMs: limits.writeTimeoutMs,
      onStalled: (error) => events.onUnhealthy?.(error),
    });
    this.#backlog = new Backlog({
      clock,
      bytesMax: limits.undeliveredBytesMax,
      pauseMsMax: limits.pauseMsMax,
      pause: () => streams.stdout.pause(),
      resume: () => streams.stdout.resume(),
    });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#listen();
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  get closeReason(): ManagerError | undefined {
    return this.#closeReason;
  }

  /** The last lines on stdout that were no messages. */
  get recentNoise(): readonly string[] {
    return this.#noise.recent;
  }

  /** As `Connection.send`; `refusal` refuses the request, as a closed channel does. */
  send(request: OutboundRequest, sink: ReplySink, refusal?: ManagerError): Exchange {
    const call = new StdioCall(this, this.#calls.newId(), request, sink);
    const refused = this.#closeReason ?? refusal;
    if (refused !== undefined) {
      queueMicrotask(() => call.fail(refused));
      return call;
    }
    this.#calls.add(call);
    this.#writer.write(call);
    return call;
  }

  /** Ends the subscriptions, of which no end is to be waited for. */
  endSubscriptions(reason: ManagerError): void {
    for (const call of [...this.#calls]) if (call.isSubscription) call.fail(reason);
  }

  notify(message: Buffer): void {
    if (this.#closeReason === undefined) this.#writer.write(new OutgoingNotice(message));
  }

  destroy(reason: ManagerError): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#writer.close();
    this.#splitter.close();
    // The stream flows on and its bytes are thrown away: a server that is being stopped must not hang on a full pipe.
    this.#backlog.clear();
    this.#streams.stdout.off("data", this.#onData);
    const calls = [...this.#calls];
    for (const call of calls) call.fail(reason);
    this.#resolveClosed(reason);
  }

  ended(call: StdioCall): void {
    this.#addressing.forget(call);
    if (this.#calls.remove(call) && this.#calls.size === 0) this.onIdle?.();
  }

  cancelled(id: number, reason: string): void {
    this.notify(cancelledNotification(Buffer.from(String(id)), reason));
  }

  resumed(call: StdioCall): void {
    this.#backlog.release(call);
  }

  callOf(channelId: number): StdioCall | undefined {
    return this.#calls.get(channelId);
  }

  onlyCall(): StdioCall | undefined {
    return onlyOf(this.#calls);
  }

  onLine(line: Buffer, isOwn: boolean): void {
    const frame = classifyFrame(line);
    switch (frame.kind) {
      case "response":
        return this.#onResponse(line, frame.idStart, frame.idEnd, isOwn);
      case "notification":
        return this.#addressing.onNotification(frame.envelope);
      case "request":
        return this.#addressing.onRequest(frame.envelope);
      case "noise":
        return this.#onNoise(line);
    }
  }

  onLineTooLong(): void {
    const { server } = this;
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

  #onResponse(line: Buffer, idStart: number, idEnd: number, isOwn: boolean): void {
    const id = channelIdAt(line, idStart, idEnd);
    const call = this.#calls.get(id);
    if (call === undefined) {
      this.events.onDropped?.(id > 0 && id < this.#calls.nextId ? "late_response" : "unknown_response");
      return;
    }
    const heldBytes = call.respond(line, idStart, idEnd, isOwn);
    if (heldBytes > 0 && this.#closeReason === undefined) this.#backlog.hold(call, heldBytes);
  }

  #onNoise(line: Buffer): void {
    const text = noiseText(line);
    if (text.trim() === "") return;
    const tooMany = this.#noise.add(text);
    this.events.onNoise(text);
    if (!tooMany) return;
    const { server } = this;
    const message = `server "${server}" writes what is no JSON-RPC to its stdout; logs belong on stderr. Last line: ${text}`;
    this.events.onUnhealthy?.(new ManagerError("protocol_error", message, { server, reason: "STDOUT_NOISE" }));
  }

  #lost(what: string, cause?: Error): void {
    if (this.#closeReason !== undefined) return;
    const { server } = this;
    const why = cause === undefined ? "" : ` (${cause.message})`;
    this.destroy(
      new ManagerError("unavailable", `the connection to server "${server}" was lost: ${what}${why}`, {
        server,
        reason: "CONNECTION_LOST",
        cause,
      }),
    );
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

  refuse(): void {}
}
