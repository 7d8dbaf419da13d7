/**
 * JSON-RPC over HTTP+SSE, shared by all callers: a request is posted by itself, and what comes back on the one stream finds its
 * caller by `Correlation`. Owns the stream and the POSTs of the requests; it is closed when the stream is lost, and what was in flight
 * fails then. It never opens another.
 * Source: specification 2024-11-05, basic/transports ("HTTP with SSE").
 */
import { ManagerError } from "@mcp-manager/api";
import { SwapList } from "../base/swap-list.ts";
import type { EventParts } from "../protocol/sse.ts";
import type { ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "./connection.ts";
import { Correlation, type MessageWire } from "./correlation.ts";
import { postNotification } from "./http-post.ts";
import type { SharedChannel } from "./shared-connection.ts";
import { SseCall, type SseCallHost } from "./sse-call.ts";
import { SseStream, type SseStreamOwner, type SseTarget } from "./sse-stream.ts";

export interface SseChannelOptions {
  readonly target: SseTarget;
  readonly events: ConnectionEvents;
}

const noise = { reason: "STREAM_NOISE", what: "sends events that are no JSON-RPC" };

export class SseChannel implements SharedChannel, SseCallHost, SseStreamOwner, MessageWire {
  readonly calls: Correlation;
  /** Resolves when the server has said where messages go; nothing can be sent before. */
  readonly ready: Promise<void>;
  readonly #target: SseTarget;
  /** Calls whose POST is under way, some of them over already. */
  readonly #posts = new SwapList<SseCall>();
  readonly #stream: SseStream;
  #endpoint = "";
  /** Request line and headers of every POST. */
  #head = "";
  #resolveReady: () => void = () => {};

  constructor({ target, events }: SseChannelOptions) {
    const { server, origin } = target;
    this.#target = target;
    this.calls = new Correlation(this, { server, clock: origin.clock, events, noise });
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#stream = new SseStream(this, target);
  }

  /** Names this version in every POST from now on. */
  speak(protocolVersion: string): void {
    this.#head = this.#headWith(`MCP-Protocol-Version: ${protocolVersion}\r\n`);
  }

  send(request: OutboundRequest, sink: ReplySink, refusal?: ManagerError): Exchange {
    const call = new SseCall(this, request, sink);
    if (!this.calls.admit(call, refusal)) return call;
    this.#posts.add(call);
    const body = call.wireBytes();
    call.onWire(this.#target.origin.request(`${this.#head}Content-Length: ${body.length}\r\n\r\n`, body, call));
    return call;
  }

  /** `onOver` hears when the server has acknowledged it, or will not. */
  notify(message: Buffer, onOver?: () => void): void {
    if (this.calls.closeReason === undefined) postNotification(this.#target.origin, this.#head, message, onOver);
    else onOver?.();
  }

  destroy(reason: ManagerError): void {
    if (this.calls.closeReason !== undefined) return;
    this.#stream.close();
    this.calls.close(reason);
    for (const call of [...this.#posts]) call.abandon();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  posted(call: SseCall): void {
    this.#posts.remove(call);
  }

  forgotten(): void {
    const { server } = this.#target;
    const message = `server "${server}" does not know the session any more: HTTP 404 at the address that it gave for messages`;
    this.destroy(new ManagerError("unavailable", message, { server, reason: "CONNECTION_LOST" }));
  }

  onEndpoint(path: string): void {
    this.#endpoint = path;
    this.#head = this.#headWith("");
    this.#resolveReady();
  }

  onMessage(message: Buffer): void {
    this.calls.receive(message, false);
  }

  onLongMessage(head: Buffer): EventParts | undefined {
    return this.calls.receiveLong(head);
  }

  onStreamLost(reason: ManagerError): void {
    this.destroy(reason);
  }

  #headWith(more: string): string {
    return `POST ${this.#endpoint} HTTP/1.1\r\n${this.#target.headerLines}Content-Type: application/json\r\n${more}`;
  }
}
