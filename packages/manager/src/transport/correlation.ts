/**
 * The calls that share one channel (a pipe, or one stream of events): each has a number of its own there as id and as progress token,
 * and what comes back finds its caller by it. Owns the calls in flight, the bytes that their callers have not taken, and the tally of
 * what was no message; it carries nothing and opens nothing, which is its channel's.
 *
 * A caller that takes its bytes slowly makes reading stop, for everybody, above a bound and for a bounded time (`Backlog`).
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Era } from "../protocol/era.ts";
import { cancelledNotification } from "../protocol/legacy.ts";
import { longResultId } from "../protocol/long-response.ts";
import { type BadAnswer, classifyFrame } from "../protocol/response.ts";
import type { EventParts } from "../protocol/sse.ts";
import { Addressing, type AddressingHost, onlyOf } from "./addressing.ts";
import { Backlog } from "./backlog.ts";
import { CallTable } from "./call-table.ts";
import type { ConnectionEvents } from "./connection.ts";
import { NoiseGauge, noiseText } from "./noise-gauge.ts";
import { channelIdAt } from "./remap.ts";
import type { CallKeeper, SharedCall } from "./shared-call.ts";

/** What carries the messages of the calls. */
export interface MessageWire {
  /** A message of which nobody waits for an answer; lost silently when it cannot be sent. */
  notify(message: Buffer): void;
  /** Reads no more for now; what has been read already still comes. */
  pause(): void;
  resume(): void;
}

export interface CorrelationOptions {
  /** The name used in messages. */
  readonly server: string;
  readonly clock: Clock;
  readonly events: ConnectionEvents;
  /** Bytes that callers have been given and asked to be waited for. Default 8 MiB. */
  readonly undeliveredBytesMax?: number | undefined;
  /** The longest that a slow caller holds up the others. Default 5 s. */
  readonly pauseMsMax?: number | undefined;
  /** What is told of a server that writes too much that is no message: `server "weather" <what it does>`. */
  readonly noise: { readonly reason: string; readonly what: string };
}

const undeliveredBytesMaxDefault = 8_388_608;
const pauseMsMaxDefault = 5_000;

export class Correlation implements CallKeeper, AddressingHost {
  readonly server: string;
  readonly clock: Clock;
  readonly events: ConnectionEvents;
  /** Resolves when the channel is no longer usable. */
  readonly closed: Promise<ManagerError>;
  /** What the server speaks; set once that is known. */
  era: Era | undefined;
  /** As `Connection.heard`. */
  heard = 0;
  /** Called when the last call in flight has ended. */
  onIdle: (() => void) | undefined;
  readonly #wire: MessageWire;
  readonly #noiseReport: CorrelationOptions["noise"];
  readonly #calls = new CallTable<SharedCall>();
  readonly #addressing = new Addressing(this);
  readonly #backlog: Backlog;
  readonly #noise: NoiseGauge;
  #closeReason: ManagerError | undefined;
  #resolveClosed: (reason: ManagerError) => void = () => {};

  constructor(wire: MessageWire, options: CorrelationOptions) {
    const { server, clock, events, noise } = options;
    this.server = server;
    this.clock = clock;
    this.events = events;
    this.#wire = wire;
    this.#noiseReport = noise;
    this.#noise = new NoiseGauge(clock);
    this.#backlog = new Backlog({
      clock,
      bytesMax: options.undeliveredBytesMax ?? undeliveredBytesMaxDefault,
      pauseMsMax: options.pauseMsMax ?? pauseMsMaxDefault,
      pause: () => wire.pause(),
      resume: () => wire.resume(),
    });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /** Undefined while open. */
  get closeReason(): ManagerError | undefined {
    return this.#closeReason;
  }

  /** The last lines or events that were no messages. */
  get recentNoise(): readonly string[] {
    return this.#noise.recent;
  }

  /** For a call that is made now, and then admitted or dropped. */
  newId(): number {
    return this.#calls.newId();
  }

  /** Takes a call in flight. False when it is refused, by `refusal` or because the channel is closed, which it hears of later. */
  admit(call: SharedCall, refusal: ManagerError | undefined): boolean {
    const refused = this.#closeReason ?? refusal;
    if (refused === undefined) {
      this.#calls.add(call);
      this.#addressing.carries(call.principal);
      return true;
    }
    queueMicrotask(() => call.fail(refused));
    return false;
  }

  /** One message of the server's; `isOwn` as in `LineSink`. */
  receive(message: Buffer, isOwn: boolean): void {
    const frame = classifyFrame(message);
    if (frame.kind !== "noise") this.heard++;
    switch (frame.kind) {
      case "response":
        return this.#onResponse(message, frame.idStart, frame.idEnd, isOwn);
      case "notification":
        return this.#addressing.onNotification(frame.envelope);
      case "request":
        return this.#addressing.onRequest(frame.envelope);
      case "noise":
        this.#onNoise(message);
        if (frame.answer !== undefined) this.#onBadAnswer(message, frame.answer);
    }
  }

  /** A long message that begins like this: who takes the rest in parts; undefined when it has to be held whole and received then. */
  receiveLong(head: Buffer): EventParts | undefined {
    // What opens a connection is read whole, and bounded.
    const id = this.era === undefined ? undefined : longResultId(head);
    if (id === undefined || id === "after") return undefined;
    this.heard++;
    return this.#calls.get(channelIdAt(head, id.idStart, id.idEnd))?.respondLong(head);
  }

  /** Ends the subscriptions, of which no end is to be waited for. */
  endSubscriptions(reason: ManagerError): void {
    for (const call of [...this.#calls]) if (call.isSubscription) call.fail(reason);
  }

  /** Ends everything; what is in flight fails. Once. */
  close(reason: ManagerError): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#backlog.clear();
    for (const call of [...this.#calls]) call.fail(reason);
    this.#resolveClosed(reason);
  }

  ended(call: SharedCall): void {
    this.#addressing.forget(call);
    if (this.#calls.remove(call) && this.#calls.size === 0) this.onIdle?.();
  }

  withdraw(call: SharedCall, reason: string): void {
    this.#wire.notify(cancelledNotification(Buffer.from(String(call.id)), reason));
  }

  hold(call: SharedCall, bytes: number): void {
    if (this.#closeReason === undefined) this.#backlog.hold(call, bytes);
  }

  release(call: SharedCall): void {
    this.#backlog.release(call);
  }

  callOf(channelId: number): SharedCall | undefined {
    return this.#calls.get(channelId);
  }

  onlyCall(): SharedCall | undefined {
    return onlyOf(this.#calls);
  }

  notify(message: Buffer): void {
    this.#wire.notify(message);
  }

  #onResponse(message: Buffer, idStart: number, idEnd: number, isOwn: boolean): void {
    const id = channelIdAt(message, idStart, idEnd);
    const call = this.#calls.get(id);
    if (call === undefined) {
      this.events.onDropped?.(id > 0 && id < this.#calls.nextId ? "late_response" : "unknown_response");
      return;
    }
    const heldBytes = call.respond(message, idStart, idEnd, isOwn);
    if (heldBytes > 0) this.hold(call, heldBytes);
  }

  /** The call ends by itself: all others of the channel go on. */
  #onBadAnswer(message: Buffer, { idStart, idEnd, why }: BadAnswer): void {
    const { server } = this;
    const text = `server "${server}" answered with what cannot be read: ${why}`;
    const error = new ManagerError("protocol_error", text, { server, reason: "UNREADABLE_ANSWER" });
    this.#calls.get(channelIdAt(message, idStart, idEnd))?.fail(error);
  }

  #onNoise(message: Buffer): void {
    const text = noiseText(message);
    if (text.trim() === "") return;
    const tooMany = this.#noise.add(text);
    this.events.onNoise(text);
    if (!tooMany) return;
    const { server } = this;
    const { reason, what } = this.#noiseReport;
    const told = `server "${server}" ${what}. The last: ${text}`;
    this.events.onUnhealthy?.(new ManagerError("protocol_error", told, { server, reason }));
  }
}
