/**
 * JSON-RPC over HTTP+SSE, shared by all callers: every request gets a number of its own as id and as progress token, is posted by
 * itself, and what comes back on the one stream finds its caller by it. Owns the stream and the POSTs of the requests; it is closed
 * when the stream is lost, and what was in flight fails then. It never opens another.
 *
 * A caller that takes its bytes slowly makes reading stop, for everybody, above 8 MiB and for five seconds at most (`Backlog`).
 * Source: specification 2024-11-05, basic/transports ("HTTP with SSE").
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { SwapList } from "../base/swap-list.ts";
import type { Era } from "../protocol/era.ts";
import { cancelledNotification } from "../protocol/legacy.ts";
import { classifyFrame } from "../protocol/response.ts";
import { Addressing, type AddressingHost, onlyOf } from "./addressing.ts";
import { Backlog } from "./backlog.ts";
import { CallTable } from "./call-table.ts";
import type { ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import { postNotification } from "./http-post.ts";
import { NoiseGauge, noiseText } from "./noise-gauge.ts";
import { channelIdAt } from "./remap.ts";
import type { SharedChannel } from "./shared-connection.ts";
import { SseCall, type SseCallHost } from "./sse-call.ts";
import { SseStream, type SseStreamOwner, type SseTarget } from "./sse-stream.ts";

export interface SseChannelOptions {
  readonly target: SseTarget;
  readonly events: ConnectionEvents;
}

const undeliveredBytesMax = 8_388_608;
const pauseMsMax = 5_000;

export class SseChannel implements SharedChannel, SseCallHost, SseStreamOwner, AddressingHost<SseCall> {
  readonly closed: Promise<ManagerError>;
  readonly events: ConnectionEvents;
  /** Resolves when the server has said where messages go; nothing can be sent before. */
  readonly ready: Promise<void>;
  era: Era | undefined;
  onIdle: (() => void) | undefined;
  readonly #target: SseTarget;
  readonly #calls = new CallTable<SseCall>();
  /** Calls whose POST is under way, some of them over already. */
  readonly #posts = new SwapList<SseCall>();
  readonly #addressing = new Addressing<SseCall>(this);
  readonly #stream: SseStream;
  readonly #backlog: Backlog;
  readonly #noise: NoiseGauge;
  #endpoint = "";
  /** Request line and headers of every POST. */
  #head = "";
  #closeReason: ManagerError | undefined;
  #resolveClosed: (reason: ManagerError) => void = () => {};
  #resolveReady: () => void = () => {};

  constructor({ target, events }: SseChannelOptions) {
    this.#target = target;
    this.events = events;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#noise = new NoiseGauge(this.clock);
    this.#backlog = new Backlog({
      clock: this.clock,
      bytesMax: undeliveredBytesMax,
      pauseMsMax,
      pause: () => this.#stream.pause(),
      resume: () => this.#stream.resume(),
    });
    this.#stream = new SseStream(this, target);
  }

  get server(): string {
    return this.#target.server;
  }

  get clock(): Clock {
    return this.#target.origin.clock;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  get closeReason(): ManagerError | undefined {
    return this.#closeReason;
  }

  /** Names this version in every POST from now on. */
  speak(protocolVersion: string): void {
    this.#head = this.#headWith(`MCP-Protocol-Version: ${protocolVersion}\r\n`);
  }

  send(request: OutboundRequest, sink: ReplySink, refusal?: ManagerError): Exchange {
    const call = new SseCall(this, this.#calls.newId(), request, sink);
    const refused = this.#closeReason ?? refusal;
    if (refused !== undefined) {
      queueMicrotask(() => call.fail(refused));
      return call;
    }
    this.#calls.add(call);
    this.#posts.add(call);
    const body = call.wireBody();
    call.onWire(this.#target.origin.request(`${this.#head}Content-Length: ${body.length}\r\n\r\n`, body, call));
    return call;
  }

  /** `onOver` hears when the server has acknowledged it, or will not. */
  notify(message: Buffer, onOver?: () => void): void {
    if (this.#closeReason === undefined) postNotification(this.#target.origin, this.#head, message, onOver);
    else onOver?.();
  }

  destroy(reason: ManagerError): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#backlog.clear();
    this.#stream.close();
    const calls = [...this.#calls];
    for (const call of calls) call.fail(reason);
    const posts = [...this.#posts];
    for (const call of posts) call.abandon();
    this.#resolveClosed(reason);
  }

  ended(call: SseCall): void {
    this.#addressing.forget(call);
    if (this.#calls.remove(call) && this.#calls.size === 0) this.onIdle?.();
  }

  posted(call: SseCall): void {
    this.#posts.remove(call);
  }

  cancelled(id: number, reason: string): void {
    this.notify(cancelledNotification(Buffer.from(String(id)), reason));
  }

  resumed(call: SseCall): void {
    this.#backlog.release(call);
  }

  forgotten(): void {
    const { server } = this;
    const message = `server "${server}" does not know the session any more: HTTP 404 at the address that it gave for messages`;
    this.destroy(new ManagerError("unavailable", message, { server, reason: "CONNECTION_LOST" }));
  }

  callOf(channelId: number): SseCall | undefined {
    return this.#calls.get(channelId);
  }

  onlyCall(): SseCall | undefined {
    return onlyOf(this.#calls);
  }

  onEndpoint(path: string): void {
    this.#endpoint = path;
    this.#head = this.#headWith("");
    this.#resolveReady();
  }

  onMessage(message: Buffer): void {
    const frame = classifyFrame(message);
    switch (frame.kind) {
      case "response":
        return this.#onResponse(message, frame.idStart, frame.idEnd);
      case "notification":
        return this.#addressing.onNotification(frame.envelope);
      case "request":
        return this.#addressing.onRequest(frame.envelope);
      case "noise":
        return this.#onNoise(message);
    }
  }

  onStreamLost(reason: ManagerError): void {
    this.destroy(reason);
  }

  #onResponse(message: Buffer, idStart: number, idEnd: number): void {
    const id = channelIdAt(message, idStart, idEnd);
    const call = this.#calls.get(id);
    if (call === undefined) {
      this.events.onDropped?.(id > 0 && id < this.#calls.nextId ? "late_response" : "unknown_response");
      return;
    }
    const heldBytes = call.respond(message, idStart, idEnd);
    if (heldBytes > 0 && this.#closeReason === undefined) this.#backlog.hold(call, heldBytes);
  }

  #onNoise(message: Buffer): void {
    const text = noiseText(message);
    const tooMany = this.#noise.add(text);
    this.events.onNoise(text);
    if (!tooMany) return;
    const { server } = this;
    const what = `server "${server}" sends events that are no JSON-RPC. The last one: ${text}`;
    this.events.onUnhealthy?.(new ManagerError("protocol_error", what, { server, reason: "STREAM_NOISE" }));
  }

  #headWith(more: string): string {
    return `POST ${this.#endpoint} HTTP/1.1\r\n${this.#target.headerLines}Content-Type: application/json\r\n${more}`;
  }
}
