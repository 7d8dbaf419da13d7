/**
 * The gRPC door: one port, HTTP/2 with or without TLS. Owns the sockets; hands each call to the handler of its path, and turns away what
 * is no gRPC. Reads no messages.
 */
import type { Http2SecureServer, Http2Server, Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { createSecureServer, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import { ManagerError } from "@mcp-manager/api";
import { peerKey } from "./caller.ts";
import { Connections, type ConnectionsOptions } from "./connections.ts";
import { createHandlers, type RouterOptions } from "./router.ts";
import { type TlsFiles, tlsOptions } from "./tls.ts";
import { writeAnswer } from "./write-answer.ts";

export interface GrpcServerOptions extends Omit<RouterOptions, "stopping"> {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: TlsFiles;
  readonly connections: ConnectionsOptions;
}

/** Calls of one connection in flight, those that go on included. */
const streamsMax = 256;
const headerBytesMax = 16_384;
/** Of a TLS handshake. */
const handshakeMs = 10_000;

export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #server: Http2Server | Http2SecureServer;
  readonly #connections: Connections;
  readonly #handlers: ReadonlyMap<string, UniversalHandler>;
  readonly #stopping = new AbortController();

  /** Throws `invalid_argument` when a file of the certificates is of no use. */
  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#handlers = createHandlers({ ...options, stopping: this.#stopping.signal });
    this.#server = serverOf(options.tls);
    this.#connections = new Connections(this.#server, options.connections);
    this.#server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
      this.#handle(request, response);
    });
  }

  /** Binds; resolves with the port. Rejects with what is in the way, in words. */
  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      // Stays for good: afterwards it hears of connections that could not be accepted, which fail by themselves.
      this.#server.on("error", (error: NodeJS.ErrnoException) => {
        const why =
          error.code === "EADDRINUSE"
            ? "another program listens there; choose another with --grpc-port"
            : error.message;
        reject(new ManagerError("unavailable", `cannot listen on ${host}:${port}: ${why}`, { cause: error }));
      });
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Ends streams, takes no new connections, lets calls in flight end, then closes what is left when `expired` aborts. */
  async close(expired: AbortSignal): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#stopping.abort();
    this.#connections.finish();
    const cut = (): void => this.#connections.cut();
    expired.addEventListener("abort", cut, { once: true });
    if (expired.aborted) cut();
    await closed;
    expired.removeEventListener("abort", cut);
    cut();
  }

  #handle(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const handler = this.#handlers.get(request.url);
    if (handler === undefined || !isGrpc(request)) return refuse(request, response);
    const values = createContextValues().set(peerKey, request.socket.remoteAddress);
    // Whoever has gone in the middle needs no answer, and what failed on our side was reported by whoever did it.
    this.#answer(handler, request, response, values).catch(() => response.stream.destroy());
  }

  async #answer(
    handler: UniversalHandler,
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    values: ReturnType<typeof createContextValues>,
  ): Promise<void> {
    const call = universalRequestFromNodeRequest(request, response, undefined, values);
    await writeAnswer(await handler(call), response);
  }
}

function serverOf(files: TlsFiles): Http2Server | Http2SecureServer {
  const limits = {
    settings: { maxConcurrentStreams: streamsMax, maxHeaderListSize: headerBytesMax },
    maxSendHeaderBlockLength: headerBytesMax * 2,
  };
  const tls = tlsOptions(files);
  if (tls === undefined) return createServer(limits);
  try {
    return createSecureServer({ ...limits, ...tls, handshakeTimeout: handshakeMs });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ManagerError("invalid_argument", `grpcTls is of no use: ${why}`, { cause: error });
  }
}

function isGrpc({ headers }: Http2ServerRequest): boolean {
  return /^application\/grpc(?:[+;]|$)/.test(headers["content-type"] ?? "");
}

/** gRPC has a status of its own for a method that is not there (12, UNIMPLEMENTED); everybody else gets HTTP's. */
function refuse(request: Http2ServerRequest, response: Http2ServerResponse): void {
  request.resume();
  if (!isGrpc(request)) {
    response.writeHead(415, { "content-type": "text/plain; charset=utf-8" });
    return void response.end("this port speaks gRPC; REST is on the other one\n");
  }
  const message = encodeURIComponent("there is no such method: reflection lists what there is");
  response.writeHead(200, { "content-type": "application/grpc", "grpc-status": "12", "grpc-message": message });
  response.end();
}
