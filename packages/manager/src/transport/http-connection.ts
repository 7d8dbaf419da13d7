/**
 * One connection to an HTTP/1.1 server: one request at a time, never pipelined, written in one piece and answered through plain
 * callbacks, because this is where a relayed call spends most of its time. It tells its pool when it is free and when it is gone,
 * and decides nothing about either.
 *
 *   connecting ──▶ idle ⇄ busy ──▶ closed      idle ends by age, by the server, or by a byte nobody asked for
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { ManagerError } from "@mcp-manager/api";
import { invariant } from "../base/invariant.ts";
import { lentBytesMin, slabs } from "../base/slabs.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Carrier, PooledExchange } from "./http-exchange.ts";
import type { HttpHeaders } from "./http-head.ts";
import { HttpResponseParser, type ResponseSink } from "./http-response-parser.ts";

/** What a TLS connection needs beyond host and port. */
export type HttpTlsOptions = Pick<ConnectionOptions, "servername" | "ca" | "cert" | "key" | "rejectUnauthorized">;

export interface HttpConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** TLS when present. */
  readonly tls?: HttpTlsOptions;
  readonly clock: Clock;
  /** An unused connection is closed after this long, or sooner when the server says so; default granularity one second. */
  readonly idleTimeoutMs: number;
  /** Largest header section of a response. */
  readonly headerBytesMax: number;
  readonly connectTimeoutMs: number;
}

/** How often idle connections are looked through: one timer for all instead of one each. */
export const sweepMs = 1_000;
/** Below this, head and body leave as one string in one system call without a buffer of their own. */
const joinBytesMax = 16_384;

/** What a connection tells its pool. */
export interface ConnectionPool {
  readonly options: HttpConnectionOptions;
  onOpen(connection: HttpConnection): void;
  onFree(connection: HttpConnection): void;
  /** `unsent` was handed to a connection that had already gone; the server has seen nothing of it. */
  onClosed(
    connection: HttpConnection,
    wasOpen: boolean,
    error: ManagerError | undefined,
    unsent: PooledExchange | undefined,
  ): void;
}

export class HttpConnection implements ResponseSink, Carrier {
  /** The sweep at which it became idle. */
  idleSinceTick = 0;
  /** How long it may stay idle. */
  idleMs: number;
  readonly openedMs: number;
  /** Requests that it has carried. */
  requests = 0;
  /** It carries no other request after the present one. */
  isWorn = false;
  readonly #pool: ConnectionPool;
  readonly #socket: Socket;
  readonly #parser: HttpResponseParser;
  #exchange: PooledExchange | undefined;
  /** What the next read fills. */
  #readInto: Buffer | undefined;
  /** A long answer is under way. */
  #isLong = false;
  #connectTimer: Timer | undefined;
  #isOpen = false;
  #isClosed = false;
  #isPaused = false;
  #heardKeepAlive = false;

  constructor(pool: ConnectionPool) {
    const { options } = pool;
    this.#pool = pool;
    this.idleMs = options.idleTimeoutMs;
    this.openedMs = options.clock.nowMs();
    this.#parser = new HttpResponseParser(this, options.headerBytesMax);
    this.#connectTimer = options.clock.after(options.connectTimeoutMs, () =>
      this.#close(lost(options, false, `no answer within ${options.connectTimeoutMs} ms`)),
    );
    this.#socket = this.#open(options);
  }

  /** Sends a request; only when idle. */
  send(exchange: PooledExchange): void {
    invariant(this.#isOpen && this.#exchange === undefined, "a connection carries one request at a time");
    exchange.connection = this;
    exchange.state = "sent";
    this.requests++;
    this.#exchange = exchange;
    this.#parser.expect(isHead(exchange.head));
    writeRequest(this.#socket, exchange.head, exchange.body);
    // The one write failed at once: the server had closed before, and none of it has left.
    if (this.#socket.errored !== null) this.#closeUnsent(this.#socket.errored);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Closes at once; a request on it fails with `error`, unless it has been given up. */
  destroy(error?: ManagerError): void {
    this.#close(error);
  }

  onHead(status: number, headers: HttpHeaders): void {
    if (!this.#heardKeepAlive) {
      this.#heardKeepAlive = true;
      this.idleMs = Math.min(this.idleMs, keepAliveMs(headers.get("keep-alive")));
    }
    this.#exchange?.handler.onHead(status, headers);
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.state === "over") return;
    if (!exchange.handler.onData(this.#pieceOf(bytes, start, end))) this.#isPaused = true;
  }

  /** Most pieces are a few hundred bytes, copied so that the memory can be read into again. */
  #pieceOf(bytes: Buffer, start: number, end: number): Buffer {
    if (end - start >= lentBytesMin && bytes === this.#readInto) {
      this.#readInto = undefined;
      // The read brought as much as it could: there is more.
      this.#isLong ||= end === bytes.length;
      return slabs.lend(bytes, start, end);
    }
    const piece = Buffer.allocUnsafe(end - start);
    bytes.copy(piece, 0, start, end);
    return piece;
  }

  #open(options: HttpConnectionOptions): Socket {
    const { host, port, tls } = options;
    const onread = {
      // Asked after each read: the same memory again, unless it was lent.
      buffer: (): Buffer => (this.#readInto ??= slabs.take(this.#isLong)),
      callback: (length: number, bytes: Uint8Array): boolean => this.#onRead(bytes as Buffer, length),
    };
    const common = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, onread };
    const socket =
      tls === undefined
        ? connectTcp(common)
        : connectTls({ ...common, ...tls, servername: nameForTls(tls, host), ALPNProtocols: ["http/1.1"] });
    socket.once(tls === undefined ? "connect" : "secureConnect", () => this.#onOpen());
    socket.on("end", () => this.#onEnd());
    socket.on("error", (error) => this.#close(lost(options, this.#isOpen, error.message, error)));
    socket.on("close", () => this.#close(lost(options, this.#isOpen, "the server closed the connection")));
    return socket;
  }

  #onOpen(): void {
    if (this.#isClosed) return;
    this.#isOpen = true;
    this.#connectTimer?.cancel();
    this.#pool.onOpen(this);
  }

  #onRead(bytes: Buffer, length: number): boolean {
    if (this.#isClosed) return false;
    if (this.#exchange === undefined) {
      this.#close(undefined);
      return false;
    }
    try {
      const taken = this.#parser.push(bytes, length);
      if (this.#parser.done) this.#complete(taken === length);
    } catch (error) {
      this.#close(ManagerError.from(error));
    }
    return !this.#isPaused;
  }

  #onEnd(): void {
    if (this.#isClosed) return;
    if (this.#exchange === undefined) return this.#close(undefined);
    try {
      this.#parser.finish();
      this.#complete(false);
    } catch {
      this.#close(lost(this.#pool.options, true, "the server closed the connection before the end of its response"));
    }
  }

  /** The response is whole. `isClean`: nothing came after it. */
  #complete(isClean: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#isPaused = false;
    this.#endLong();
    // An answer that came before the request was all out leaves a connection in a state nobody knows.
    const reusable = isClean && this.#parser.keepAlive && this.idleMs > 0 && this.#socket.writableLength === 0;
    if (exchange !== undefined) exchange.connection = undefined;
    if (this.#isClosed || exchange === undefined) return;
    if (reusable) this.#pool.onFree(this);
    else this.#close(undefined);
    if (exchange.state === "over") return;
    exchange.state = "over";
    exchange.handler.onEnd();
  }

  /** An idle connection holds little memory. */
  #endLong(): void {
    if (!this.#isLong) return;
    this.#isLong = false;
    if (this.#readInto !== undefined) slabs.putBack(this.#readInto);
    this.#readInto = undefined;
  }

  #closeUnsent(cause: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined) exchange.connection = undefined;
    this.#finish(lost(this.#pool.options, true, cause.message, cause), exchange);
  }

  /** Ends the connection, and the request on it with `error`. */
  #close(error: ManagerError | undefined): void {
    if (this.#isClosed) return;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined) exchange.connection = undefined;
    this.#finish(error, undefined);
    if (exchange !== undefined)
      exchange.fail(error ?? lost(this.#pool.options, true, "the connection was closed"), true);
  }

  #finish(error: ManagerError | undefined, unsent: PooledExchange | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connectTimer?.cancel();
    this.#socket.destroy();
    this.#pool.onClosed(this, this.#isOpen, error, unsent);
  }
}

/** Head and body in one write: as one string when they are short, which saves a buffer and a second chunk. */
function writeRequest(socket: Socket, head: Buffer | string, body: Buffer): void {
  if (typeof head === "string" && body.length <= joinBytesMax) {
    socket.write(body.length === 0 ? head : head + body.toString("latin1"), "latin1");
    return;
  }
  socket.cork();
  if (typeof head === "string") socket.write(head, "latin1");
  else socket.write(head);
  if (body.length > 0) socket.write(body);
  socket.uncork();
}

function isHead(head: Buffer | string): boolean {
  return typeof head === "string" ? head.startsWith("HEAD ") : head.toString("latin1", 0, 5) === "HEAD ";
}

/** The name to ask for; none for an address, which Node refuses there and checks the certificate for by itself. */
function nameForTls(tls: HttpTlsOptions, host: string): string {
  const name = tls.servername ?? host;
  return isIP(name) === 0 ? name : "";
}

/** What `Keep-Alive: timeout=5` leaves, less a second for the way and the sweep that may come so late; without it, no limit. */
function keepAliveMs(value: string | undefined): number {
  const seconds = value === undefined ? undefined : /(?:^|[,\s])timeout=(\d{1,6})/.exec(value)?.[1];
  return seconds === undefined ? Infinity : Number(seconds) * 1_000 - 1_000 - sweepMs;
}

/** For messages. */
export function nameOf(options: HttpConnectionOptions): string {
  return `${options.tls === undefined ? "http" : "https"}://${options.host}:${options.port}`;
}

/** `wasOpen`: the connection had been made. */
export function lost(options: HttpConnectionOptions, wasOpen: boolean, why: string, cause?: Error): ManagerError {
  const message = wasOpen
    ? `the connection to ${nameOf(options)} was lost: ${why}`
    : `cannot connect to ${nameOf(options)}: ${why}`;
  const reason = wasOpen ? "CONNECTION_LOST" : "CONNECT_FAILED";
  return new ManagerError("unavailable", message, cause === undefined ? { reason } : { reason, cause });
}
