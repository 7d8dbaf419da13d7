/**
 * The HTTP door: one port for the MCP endpoints and for whatever else is served beside them. Owns the sockets and their time;
 * checks Host and Origin, answers browsers that ask for a page, finds the credential's principal, and hands the request on, or turns
 * it away while there is no room (`door/`). Reads no bodies.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { errorCodes, ManagerError, problemType, toProblem } from "@mcp-manager/api";
import { managerErrorResponse } from "../protocol/errors.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Authenticator } from "../security/authenticator.ts";
import { allowReading, isPreflight, preflightHeaders } from "../security/cross-origin.ts";
import type { HostOriginCheck } from "../security/host-origin.ts";
import type { Principal } from "../security/principal.ts";
import { discardBody } from "./body.ts";
import type { AuditSink } from "./calls/call-audit.ts";
import { Connections } from "./door/connections.ts";
import type { Crowd } from "./door/crowd.ts";
import { type Gate, isFirstAid } from "./door/gate.ts";
import type { McpEndpoint } from "./endpoint.ts";
import type { View } from "./view.ts";

/**
 * Serves everything that is no MCP endpoint. `principal` is undefined when no good credential was sent; `refusal` then says what
 * was wrong with the one that was, for a path that needs one.
 */
export type OtherHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  principal: Principal | undefined,
  refusal: string | undefined,
) => void;

/** How long clients may take, in milliseconds (reliability.md, L1 and L2). */
export interface Timeouts {
  /** For the head of a request. */
  readonly headersMs: number;
  /** For a whole request. */
  readonly requestMs: number;
  /** Until the next request on a connection. */
  readonly idleMs: number;
  /** To take anything of what waits for them. */
  readonly stalledMs: number;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly endpoint: McpEndpoint;
  readonly other: OtherHandler;
  readonly authenticator: Authenticator;
  readonly hostOrigin: HostOriginCheck;
  /** Counts connections. */
  readonly crowd: Crowd;
  readonly timeouts: Timeouts;
  /** Says whether there is room. */
  readonly gate: Gate;
  readonly clock: Clock;
  /** Hears of who was turned away. */
  readonly audit?: AuditSink;
}

const aggregate: View = { kind: "aggregate" };
const serverPath = /^\/servers\/([a-z0-9-]{1,40})(?:(?:@|%40)([a-z0-9-]{1,60}))?\/mcp$/;
/** Servers' views by path, so that a call does not match a pattern; dropped when there are many. */
const pathsKeptMax = 4_096;
/** How often connections are looked at whose request is late. */
const lateCheckMs = 1_000;
/** What is left of the time-outs under pressure (reliability.md 2.4, stage 1). */
const pressedMs = { headersTimeout: 3_000, requestTimeout: 10_000, keepAliveTimeout: 1_000 };
/** While it closes: a listener on each response, to know it sooner, would be paid by every call before. */
const idleSweepMs = 20;
const challenge = `Bearer realm="mcp-manager"`;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #connections: Connections;
  readonly #views = new Map<string, View>();
  readonly #stopWatching: () => void;
  #isClosing = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { gate, crowd, clock } = options;
    this.#server = createServer({
      connectionsCheckingInterval: lateCheckMs,
      maxHeaderSize: 16_384,
      noDelay: true,
    });
    this.#setTimeouts(false);
    this.#connections = new Connections(this.#server, { crowd, gate, clock });
    this.#stopWatching = gate.stage.onChange((stage) => {
      this.#setTimeouts(stage >= 1);
      if (stage >= 1) this.#connections.closeIdle();
    });
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.#handle(request, response);
    };
    this.#server.on("request", onRequest);
    // Whoever asks before it sends its body is answered by the one who reads the body, or is refused unread.
    this.#server.on("checkContinue", onRequest);
    this.#server.on("timeout", (socket: Socket) => this.#onQuiet(socket));
  }

  /** Binds; resolves with the port. Rejects with what is in the way, in words. */
  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      // Stays for good: afterwards it hears of connections that could not be accepted, which fail by themselves.
      this.#server.on("error", (error: NodeJS.ErrnoException) => {
        const why =
          error.code === "EADDRINUSE" ? "another program listens there; choose another with --port" : error.message;
        reject(new ManagerError("unavailable", `cannot listen on ${host}:${port}: ${why}`, { cause: error }));
      });
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Takes no new connections, lets requests in flight end, then closes what is left when `expired` aborts. */
  async close(expired: AbortSignal): Promise<void> {
    this.#isClosing = true;
    this.#stopWatching();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // They end with their sessions only, which nobody waits for.
    this.#options.endpoint.endStreams();
    const closeAll = (): void => this.#server.closeAllConnections();
    expired.addEventListener("abort", closeAll, { once: true });
    if (expired.aborted) closeAll();
    const stopSweeping = this.#sweepIdle();
    await closed;
    stopSweeping();
    expired.removeEventListener("abort", closeAll);
  }

  /** Closes connections as their requests end: those that are kept alive have no further one to wait for. */
  #sweepIdle(): () => void {
    const { clock } = this.#options;
    let timer: Timer;
    const sweep = (): void => {
      this.#server.closeIdleConnections();
      timer = clock.after(idleSweepMs, sweep);
    };
    sweep();
    return () => timer.cancel();
  }

  /** Each is read anew whenever it begins to run. */
  #setTimeouts(isPressed: boolean): void {
    const { headersMs, requestMs, idleMs, stalledMs } = this.#options.timeouts;
    const usual = { headersTimeout: headersMs, requestTimeout: requestMs, keepAliveTimeout: idleMs };
    const least = (name: keyof typeof usual): number =>
      isPressed ? Math.min(usual[name], pressedMs[name]) : usual[name];
    this.#server.headersTimeout = least("headersTimeout");
    this.#server.requestTimeout = least("requestTimeout");
    this.#server.keepAliveTimeout = least("keepAliveTimeout");
    // No whole number, so that a connection which waits for a request is told from others by the time it has.
    this.#server.timeout = stalledMs + 0.5;
  }

  /** Nothing went over a connection for a while: fine for one that waits for its answer, not for one that does not take it. */
  #onQuiet(socket: Socket): void {
    if (this.#connections.isIdle(socket) || socket.writableLength > 0) socket.destroy();
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { hostOrigin, authenticator, endpoint, other, gate } = this.#options;
    const view = this.#viewOf(request.url ?? "/");
    const { origin } = request.headers;
    const refusal = hostOrigin.check(request.headers.host, origin);
    if (refusal !== undefined) {
      return this.#refuse(request, response, view, new ManagerError("permission_denied", refusal));
    }
    if (origin !== undefined) {
      allowReading(response, origin);
      if (isPreflight(request)) return this.#allowSending(request, response, view);
    }
    const header = request.headers.authorization;
    if (view === undefined && header === undefined) {
      if (this.#isWary && this.#turnsAway(request, response, view, undefined)) return;
      return passOn(other, request, response, undefined, undefined);
    }
    const who = authenticator.authenticate(header);
    if (who.kind === "principal") {
      const { principal } = who;
      if (this.#isWary && this.#turnsAway(request, response, view, principal)) return;
      if (view === undefined) return passOn(other, request, response, principal, undefined);
      const load = gate.loadOf(principal);
      if (load.isFull) return this.#answer(request, response, view, gate.refusePrincipal(request));
      return endpoint.handle(request, response, view, principal, load);
    }
    if (view === undefined) {
      this.#auditRefusal(request, who.reason);
      return passOn(other, request, response, undefined, who.message);
    }
    this.#refuse(request, response, view, new ManagerError("unauthenticated", who.message), who.reason);
  }

  /** Tells a browser what a page of an allowed origin may send. */
  #allowSending(request: IncomingMessage, response: ServerResponse, view: View | undefined): void {
    if (this.#isWary && this.#turnsAway(request, response, view, undefined)) return;
    discardBody(request, response);
    response.writeHead(204, preflightHeaders(request.headers)).end();
  }

  /** Whether there is any reason to look closer: three comparisons that every request pays. */
  get #isWary(): boolean {
    return this.#options.gate.isWary || this.#connections.hasReserved || this.#isClosing;
  }

  /** Answers a request for which there is no room, and says so. */
  #turnsAway(
    request: IncomingMessage,
    response: ServerResponse,
    view: View | undefined,
    principal: Principal | undefined,
  ): boolean {
    const { gate } = this.#options;
    const isReserved = this.#connections.isReserved(request.socket);
    // Whoever comes next on this connection would find it closed.
    if (isReserved || this.#isClosing) response.shouldKeepAlive = false;
    if (!isReserved && !gate.isWary) return false;
    if (view === undefined && isFirstAid(request.url ?? "/", principal)) return false;
    this.#answer(request, response, view, gate.refusals.say(gate.stage.current >= 2 ? "overload" : "connections"));
    return true;
  }

  #viewOf(url: string): View | undefined {
    if (url === "/mcp") return aggregate;
    const known = this.#views.get(url);
    if (known !== undefined) return known;
    const path = url.split("?", 1)[0] ?? "";
    const [, server, revision] = serverPath.exec(path) ?? [];
    if (server === undefined) return path === "/mcp" ? aggregate : undefined;
    if (this.#views.size >= pathsKeptMax) this.#views.clear();
    const view: View = { kind: "server", server, ...(revision === undefined ? {} : { revision }) };
    this.#views.set(url, view);
    return view;
  }

  /** Turns a request away unread, in the words of the door it came to: JSON-RPC, or a problem document. */
  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    view: View | undefined,
    error: ManagerError,
    reason = error.message,
  ): void {
    this.#auditRefusal(request, reason);
    this.#answer(request, response, view, error);
  }

  #answer(request: IncomingMessage, response: ServerResponse, view: View | undefined, error: ManagerError): void {
    const { code, retryAfterMs } = error;
    discardBody(request, response);
    const body =
      view === undefined ? Buffer.from(JSON.stringify(toProblem(error))) : managerErrorResponse(undefined, error);
    response.writeHead(errorCodes[code].http, {
      "content-type": view === undefined ? problemType : "application/json",
      "cache-control": "no-store",
      "content-length": body.length,
      ...(code === "unauthenticated" ? { "www-authenticate": challenge } : {}),
      ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) }),
    });
    response.end(body);
  }

  #auditRefusal(request: IncomingMessage, reason: string): void {
    const { audit } = this.#options;
    if (audit === undefined) return;
    const { method = "", url = "", socket } = request;
    const target = (url.split("?", 1)[0] ?? "").slice(0, 200);
    const address = socket.remoteAddress;
    audit.record({
      action: `http ${method}`,
      target,
      outcome: "denied",
      reason,
      ...(address === undefined ? {} : { address }),
    });
  }
}

/** Whoever is behind `other` reads bodies without asking for them. */
function passOn(
  other: OtherHandler,
  request: IncomingMessage,
  response: ServerResponse,
  principal: Principal | undefined,
  refusal: string | undefined,
): void {
  if (request.headers.expect !== undefined) response.writeContinue();
  other(request, response, principal, refusal);
}
