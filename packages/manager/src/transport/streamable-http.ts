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
import { StandingStream } from "./standing-stream.ts";

/** A session that is open, with a server of the legacy era. */
export interface LegacySession {
  /** What the server gave to `initialize`; undefined when it keeps no session. */
  readonly id: string | undefined;
  /** Resolves when the server has taken `notifications/initialized`, or will not. */
  readonly ready: Promise<void>;
}

export interface StreamableHttpOptions {
  readonly target: HttpTarget;
  readonly facts: ServerFacts;
  readonly events: ConnectionEvents;
  readonly random: Random;
  /** Undefined in the modern era. */
  readonly legacy: LegacySide | undefined;
}

/** What a legacy connection has besides. */
export interface LegacySide {
  readonly session: LegacySession;
  /** Opens a new session after the server forgot this one. */
  readonly renew: () => Promise<LegacySession>;
}

const commonHeaders = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
const streamHeaders = "Accept: text/event-stream\r\n";

export class StreamableHttpConnection implements Connection, CallHost, AddressingHost<HttpCall> {
  readonly facts: ServerFacts;
  readonly closed: Promise<ManagerError>;
  readonly target: HttpTarget;
  readonly events: ConnectionEvents;
  readonly addressing: Addressing<HttpCall> = new Addressing<HttpCall>(this);
  readonly #legacy: LegacySide | undefined;
  readonly #random: Random;
  readonly #calls = new SwapList<HttpCall>();
  #sessionId: string | undefined;
  #renewing: Promise<void> | undefined;
  #standing: StandingStream | undefined;
  #nextId = 1;
  #head: string;
  #closeReason: ManagerError | undefined;
  /** Set when no new requests are taken. */
  #closing: Promise<void> | undefined;
  #resolveClosed: (reason: ManagerError) => void = () => {};
  readonly #drain: Drain;
  /** Legacy: resolves once the server can ask on the stream that belongs to no call, or has none. */
  listening: Promise<void> = Promise.resolve();

  constructor(options: StreamableHttpOptions) {
    this.facts = options.facts;
    this.target = options.target;
    this.#drain = new Drain(options.target.origin.clock);
    this.events = options.events;
    this.#random = options.random;
    this.#legacy = options.legacy;
    this.#head = this.#headFor("POST");
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    if (options.legacy !== undefined) this.#begin(options.legacy.session);
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
    return this.#headFor("GET");
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
    this.#renew(sentWith).then(
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
    this.#standing?.close();
    for (const call of [...this.#calls]) call.fail(reason);
    this.#resolveClosed(reason);
  }

  /** Goes on in this session. */
  #begin(session: LegacySession): void {
    this.#sessionId = session.id;
    this.#head = this.#headFor("POST");
    this.#standing?.close();
    this.#standing = undefined;
    this.listening = session.ready.then(() => this.#listen(session));
  }

  #listen({ id }: LegacySession): Promise<void> | undefined {
    if (this.#closeReason !== undefined || this.#sessionId !== id || this.#standing !== undefined) return undefined;
    this.#standing = new StandingStream({
      target: this.target,
      addressing: this.addressing,
      random: this.#random,
      head: () => this.#headFor("GET"),
      callOf: (channelId) => this.callOf(channelId),
      onForgotten: () => void this.#renew(id).catch(() => undefined),
    });
    this.#standing.open();
    return this.#standing.answered;
  }

  /** Opens a new session in the place of the lost one, once for all who notice; at once when that has happened. */
  #renew(lost: string | undefined): Promise<void> {
    if (this.#legacy !== undefined && lost === this.#sessionId) {
      this.#renewing ??= this.#legacy
        .renew()
        .then((session) => this.#begin(session))
        .finally(() => {
          this.#renewing = undefined;
        });
    }
    return this.#renewing ?? Promise.resolve();
  }

  async #close(): Promise<void> {
    const reason = closing(this.target.server);
    for (const call of [...this.#calls]) if (call.isSubscription) call.fail(reason);
    if (this.#closeReason === undefined && this.#calls.size > 0) await this.#drain.over;
    this.#drain.end();
    if (this.#closeReason !== undefined) return;
    // The session is the server's memory: one that is dropped without a DELETE stays there until it expires.
    if (this.#sessionId !== undefined) postNotification(this.target.origin, this.#headFor("DELETE"), undefined);
    this.destroy(reason);
  }

  #post(call: HttpCall): void {
    if (call.over) return;
    const body = call.wireBody();
    const head =
      this.era === "legacy"
        ? `${this.#head}Content-Length: ${body.length}\r\n\r\n`
        : `${this.#head}${modernHeaders(call.request)}Content-Length: ${body.length}\r\n\r\n`;
    call.onWire(this.target.origin.request(head, body, call), this.#sessionId);
  }

  #headFor(verb: "POST" | "GET" | "DELETE"): string {
    const session = this.#sessionId === undefined ? "" : `Mcp-Session-Id: ${this.#sessionId}\r\n`;
    const version = `MCP-Protocol-Version: ${this.facts.protocolVersion}\r\n`;
    return `${verb} ${this.target.path} HTTP/1.1\r\n${this.target.headerLines}${verb === "GET" ? streamHeaders : commonHeaders}${version}${session}`;
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
