/**
 * The HTTP door: one port for the MCP endpoints and for whatever else is served beside them. Owns the sockets and their limits;
 * checks Host and Origin, finds the credential's principal, and hands the request on. Reads no bodies.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ManagerError } from "@mcp-manager/api";
import type { Watched } from "../base/watched.ts";
import type { Authenticator } from "../security/authenticator.ts";
import type { HostOriginCheck } from "../security/host-origin.ts";
import type { Principal } from "../security/principal.ts";
import { type McpEndpoint, refuseRequest } from "./endpoint.ts";
import type { View } from "./merged-list.ts";
import { HttpReply } from "./reply.ts";
import type { RoutingTable } from "./routing-table.ts";

/** Serves everything that is no MCP endpoint. `principal` is undefined when no credential was sent. */
export type OtherHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  principal: Principal | undefined,
) => void;

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly endpoint: McpEndpoint;
  readonly table: Watched<RoutingTable>;
  readonly other: OtherHandler;
  readonly authenticator: Authenticator;
  readonly hostOrigin: HostOriginCheck;
  /** Open connections at most; further ones are closed at once. */
  readonly connectionsMax: number;
}

const aggregate: View = { kind: "aggregate" };
const serverPath = /^\/servers\/([a-z0-9-]{1,40})\/mcp$/;
/** Servers' views by path, so that a call does not match a pattern; dropped when there are many. */
const pathsKeptMax = 4_096;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #views = new Map<string, View>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        keepAliveTimeout: 75_000,
        headersTimeout: 15_000,
        requestTimeout: 60_000,
        maxHeaderSize: 16_384,
        noDelay: true,
      },
      (request, response) => this.#handle(request, response),
    );
    this.#server.maxConnections = options.connectionsMax;
  }

  /** Binds; resolves with the port. Rejects with what is in the way, in words. */
  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
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
    this.#server.closeIdleConnections();
    expired.addEventListener("abort", () => this.#server.closeAllConnections(), { once: true });
    if (expired.aborted) this.#server.closeAllConnections();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { hostOrigin, authenticator, endpoint, other } = this.#options;
    const refusal = hostOrigin.check(request.headers.host, request.headers.origin);
    if (refusal !== undefined) return refuse(request, response, 403, new ManagerError("permission_denied", refusal));
    const header = request.headers.authorization;
    const view = this.#viewOf(request.url ?? "/");
    if (view === undefined && header === undefined) return other(request, response, undefined);
    const who = authenticator.authenticate(header);
    if (who.kind === "failure") {
      const error = new ManagerError("unauthenticated", who.message);
      return refuse(request, response, 401, error, ["www-authenticate", `Bearer realm="mcp-manager"`]);
    }
    if (view === undefined) return other(request, response, who.principal);
    if (view.kind === "server" && !this.#options.table.current.servers.has(view.server)) {
      const error = new ManagerError("not_found", `server "${view.server}" does not exist`, { server: view.server });
      return refuse(request, response, 404, error);
    }
    endpoint.handle(request, response, view, who.principal);
  }

  #viewOf(url: string): View | undefined {
    if (url === "/mcp") return aggregate;
    const known = this.#views.get(url);
    if (known !== undefined) return known;
    const path = url.split("?", 1)[0] ?? "";
    const server = serverPath.exec(path)?.[1];
    const view: View | undefined =
      server === undefined ? (path === "/mcp" ? aggregate : undefined) : { kind: "server", server };
    if (view === undefined) return undefined;
    if (this.#views.size >= pathsKeptMax) this.#views.clear();
    this.#views.set(url, view);
    return view;
  }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  error: ManagerError,
  headers: readonly string[] = [],
): void {
  // The body is not read, so the connection cannot carry another request.
  refuseRequest(new HttpReply(response, request.headers.accept), status, error, [...headers, "connection", "close"]);
}
