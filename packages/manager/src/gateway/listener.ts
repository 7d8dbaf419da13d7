/**
 * The HTTP door: one port for the MCP endpoints and for whatever else is served beside them. Owns the sockets and their limits;
 * checks Host and Origin, finds the credential's principal, and hands the request on. Reads no bodies.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { errorCodes, ManagerError, problemType, toProblem } from "@mcp-manager/api";
import { managerErrorResponse } from "../protocol/errors.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Authenticator } from "../security/authenticator.ts";
import type { HostOriginCheck } from "../security/host-origin.ts";
import type { Principal } from "../security/principal.ts";
import { discardBody } from "./body.ts";
import type { AuditSink } from "./calls/call-audit.ts";
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

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly endpoint: McpEndpoint;
  readonly other: OtherHandler;
  readonly authenticator: Authenticator;
  readonly hostOrigin: HostOriginCheck;
  /** Open connections at most; further ones are closed at once. */
  readonly connectionsMax: number;
  readonly clock: Clock;
  /** Hears of who was turned away. */
  readonly audit?: AuditSink;
}

const aggregate: View = { kind: "aggregate" };
const serverPath = /^\/servers\/([a-z0-9-]{1,40})\/mcp$/;
/** Servers' views by path, so that a call does not match a pattern; dropped when there are many. */
const pathsKeptMax = 4_096;
/** While it closes: a listener on each response, to know it sooner, would be paid by every call before. */
const idleSweepMs = 20;
const challenge = `Bearer realm="mcp-manager"`;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #views = new Map<string, View>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    // Slow senders are closed by these limits (reliability.md, L1).
    const limits = { keepAliveTimeout: 75_000, headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16_384 };
    this.#server = createServer({ ...limits, noDelay: true });
    this.#server.maxConnections = options.connectionsMax;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.#handle(request, response);
    };
    this.#server.on("request", onRequest);
    // Whoever asks before it sends its body is answered by the one who reads the body, or is refused unread.
    this.#server.on("checkContinue", onRequest);
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

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { hostOrigin, authenticator, endpoint, other } = this.#options;
    const view = this.#viewOf(request.url ?? "/");
    const refusal = hostOrigin.check(request.headers.host, request.headers.origin);
    if (refusal !== undefined) {
      return this.#refuse(request, response, view, new ManagerError("permission_denied", refusal));
    }
    const header = request.headers.authorization;
    if (view === undefined && header === undefined) return passOn(other, request, response, undefined, undefined);
    const who = authenticator.authenticate(header);
    if (who.kind === "principal") {
      if (view === undefined) return passOn(other, request, response, who.principal, undefined);
      return endpoint.handle(request, response, view, who.principal);
    }
    if (view === undefined) {
      this.#auditRefusal(request, who.reason);
      return passOn(other, request, response, undefined, who.message);
    }
    this.#refuse(request, response, view, new ManagerError("unauthenticated", who.message), who.reason);
  }

  #viewOf(url: string): View | undefined {
    if (url === "/mcp") return aggregate;
    const known = this.#views.get(url);
    if (known !== undefined) return known;
    const path = url.split("?", 1)[0] ?? "";
    const server = serverPath.exec(path)?.[1];
    if (server === undefined) return path === "/mcp" ? aggregate : undefined;
    if (this.#views.size >= pathsKeptMax) this.#views.clear();
    const view: View = { kind: "server", server };
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
    discardBody(request, response);
    const body =
      view === undefined ? Buffer.from(JSON.stringify(toProblem(error))) : managerErrorResponse(undefined, error);
    response.writeHead(errorCodes[error.code].http, {
      "content-type": view === undefined ? problemType : "application/json",
      "cache-control": "no-store",
      "content-length": body.length,
      ...(error.code === "unauthenticated" ? { "www-authenticate": challenge } : {}),
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
