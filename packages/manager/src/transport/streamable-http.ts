/**
 * An open connection to a server that speaks Streamable HTTP, of either era: one POST a request, answered by JSON or by a
 * stream of events. In the legacy era the session is shared by all callers, so each request gets an id and a progress token
 * of its own; in the modern era a request stands alone and its bytes pass untouched. Opening is in `http-open.ts`.
 * Sources: specification 2025-11-25 basic/transports and 2026-07-28 basic/transports/streamable-http.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Random } from "../base/random.ts";
import { SwapList } from "../base/swap-list.ts";
import type { Era } from "../protocol/era.ts";
import { encodeHeaderValue } from "../protocol/headers.ts";
import { cancelledNotification } from "../protocol/legacy.ts";
import { Addressing, type AddressingHost, onlyOf } from "./addressing.ts";
import type { Connection, ConnectionEvents, Exchange, OutboundRequest, ReplySink, ServerFacts } from "./connection.ts";
import { Drain } from "./drain.ts";
import { type CallHost, HttpCall, type HttpTarget } from "./http-call.ts";
import { postNotification } from "./http-post.ts";
import { HttpSession, type LegacySide, type SessionHost } from "./http-session.ts";

export interface StreamableHttpOptions {
  readonly target: HttpTarget;
  readonly facts: ServerFacts;
  readonly events: ConnectionEvents;
  readonly random: Random;
  /** Undefined in the modern era. */
  readonly legacy: LegacySide | undefined;
}

export class StreamableHttpConnection implements Connection, CallHost, SessionHost, AddressingHost {
  readonly facts: ServerFacts;
  readonly closed: Promise<ManagerError>;
  readonly target: HttpTarget;
  readonly events: ConnectionEvents;
  readonly random: Random;
  readonly addressing: Addressing = new Addressing(this);
  onRenewed: (() => void) | undefined;
  heard = 0;
  readonly #calls = new SwapList<HttpCall>();
  /** Undefined in the modern era. */
  readonly #session: HttpSession | undefined;
  #nextId = 1;
  /** Request line and headers of every POST, but for those of the one request. */
  #head = "";
  #closeReason: ManagerError | undefined;
  /** Set when no new requests are taken. */
  #closing: Promise<void> | undefined;
  #resolveClosed: (reason: ManagerError) => void = () => {};
  readonly #drain: Drain;

  constructor(options: StreamableHttpOptions) {
    const { facts, target, events, random, legacy } = options;
    this.facts = facts;
    this.target = target;
    this.events = events;
    this.random = random;
    this.#drain = new Drain(target.origin.clock);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#session = legacy === undefined ? undefined : new HttpSession(this, legacy);
    this.onSessionBegun();
  }

  /** Legacy: as `HttpSession.listening`. */
  get listening(): Promise<void> {
    return this.#session?.listening ?? Promise.resolve();
  }

  get era(): Era {
    return this.facts.era;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  get closeReason(): ManagerError | undefined {
    return this.#closeReason;
  }

  send(request: OutboundRequest, sink: ReplySink): Exchange {
    const call = new HttpCall(this, request, sink, this.era === "legacy" ? this.#nextId++ : undefined);
    const refusal = this.#closeReason ?? (this.#closing === undefined ? undefined : closing(this.target.server));
    if (refusal !== undefined) {
      queueMicrotask(() => call.fail(refusal));
      return call;
    }
    this.#calls.add(call);
    this.addressing.carries(request.principal);
    this.#post(call);
    return call;
  }

  notify(message: Buffer): void {
    if (this.#closeReason === undefined) postNotification(this.target.origin, this.#head, message);
  }

  callOf(channelId: number): HttpCall | undefined {
    for (const call of this.#calls) if (call.channelId === channelId) return call;
    return undefined;
  }

  onlyCall(): HttpCall | undefined {
    return onlyOf(this.#calls);
  }

  streamHead(): string {
    return this.#session?.streamHead() ?? "";
  }

  onSessionBegun(): void {
    const { path, headerLines } = this.target;
    const session = this.#session?.headerLines ?? `MCP-Protocol-Version: ${this.facts.protocolVersion}\r\n`;
    const content = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
    this.#head = `POST ${path} HTTP/1.1\r\n${headerLines}${content}${session}`;
  }

  onSessionRenewed(): void {
    this.onRenewed?.();
  }

  ended(call: HttpCall): void {
    if (call.cancelledUpstreamId !== undefined) {
      this.notify(cancelledNotification(Buffer.from(String(call.cancelledUpstreamId)), call.cancelReason));
    }
    this.#calls.remove(call);
    this.addressing.forget(call);
    if (this.#calls.size === 0 && this.#closing !== undefined) this.#drain.end();
  }

  sessionLost(call: HttpCall, sentWith: string | undefined): void {
    (this.#session?.renew(sentWith) ?? Promise.resolve()).then(
      () => this.#post(call),
      (error: unknown) => call.fail(ManagerError.from(error)),
    );
  }

  close(graceMs: number): Promise<void> {
    this.#drain.within(graceMs);
    this.#closing ??= this.#close();
    return this.#closing;
  }

  destroy(reason: ManagerError): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#session?.close();
    for (const call of [...this.#calls]) call.fail(reason);
    this.#resolveClosed(reason);
  }

  async #close(): Promise<void> {
    const reason = closing(this.target.server);
    for (const call of [...this.#calls]) if (call.isSubscription) call.fail(reason);
    if (this.#closeReason === undefined && this.#calls.size > 0) await this.#drain.over;
    this.#drain.end();
    if (this.#closeReason !== undefined) return;
    this.#session?.end();
    this.destroy(reason);
  }

  #post(call: HttpCall): void {
    if (call.over) return;
    const body = call.wireBody();
    const head =
      this.era === "legacy"
        ? `${this.#head}Content-Length: ${body.length}\r\n\r\n`
        : `${this.#head}${modernHeaders(call.request)}Content-Length: ${body.length}\r\n\r\n`;
    call.onWire(this.target.origin.request(head, body, call), this.#session?.id);
  }
}

/** The routing headers of a modern request (2026-07-28, "Request Metadata"), recomputed because names may have changed. */
function modernHeaders(request: OutboundRequest): string {
  let lines = `Mcp-Method: ${request.method}\r\n`;
  if (request.name !== undefined) lines += `Mcp-Name: ${encodeHeaderValue(request.name)}\r\n`;
  for (let i = 0; i + 1 < request.paramHeaders.length; i += 2) {
    lines += `${request.paramHeaders[i]}: ${request.paramHeaders[i + 1]}\r\n`;
  }
  return lines;
}

function closing(server: string): ManagerError {
  return new ManagerError("unavailable", `the connection to server "${server}" was closed`, {
    reason: "CONNECTION_CLOSED",
    server,
  });
}
