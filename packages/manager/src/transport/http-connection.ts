/**
 * HTTP/1.1 to one origin over kept connections of our own: one request at a time on each, never pipelined, written in one piece
 * and answered through plain callbacks, because this is where a relayed call spends most of its time. It never retries what a
 * server may have seen, and knows nothing of MCP; deadlines on answers are the caller's, who aborts.
 *
 *   connecting ──▶ idle ⇄ busy ──▶ closed      idle ends by age, by the server, or by a byte nobody asked for
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { ManagerError } from "@mcp-manager/api";
import { invariant } from "../base/invariant.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { type HttpHeaders, HttpResponseParser, type ResponseSink } from "./http-response-parser.ts";

export type { HttpHeaders } from "./http-response-parser.ts";

/** Hears one response. Calls come in order, never from inside `request`, and none comes after `onEnd`, `onError` or `abort`. */
export interface HttpResponseHandler {
  /** The final status (interim responses are read over). */
  onHead(status: number, headers: HttpHeaders): void;
  /** A piece of the body, the receiver's to keep. False asks for a pause until `resume`; what is already read still comes. */
  onData(chunk: Buffer): boolean;
  onEnd(): void;
  /** There is no (whole) response. `written` is false when the server cannot have seen any of the request. */
  onError(error: ManagerError, written: boolean): void;
}

/** The caller's handle on a request. */
export interface HttpExchange {
  /** Goes on reading after `onData` answered false. */
  resume(): void;
  /** Gives up, and closes the connection if one is taken; the handler hears nothing more. */
  abort(): void;
}

/** What a TLS connection needs beyond host and port. */
export type HttpTlsOptions = Pick<ConnectionOptions, "servername" | "ca" | "cert" | "key" | "rejectUnauthorized">;

export interface HttpOriginOptions {
  readonly host: string;
  readonly port: number;
  /** TLS when present. */
  readonly tls?: HttpTlsOptions;
  /** Connections at most, streams included. */
  readonly connectionsMax: number;
  /** Requests that may wait for a connection; default 1,024, as many as a server's queue of calls. */
  readonly waitersMax?: number;
  readonly clock: Clock;
  /** An unused connection is closed after this long, or sooner when the server says so; default granularity one second. */
  readonly idleTimeoutMs: number;
  /** Largest header section of a response. */
  readonly headerBytesMax: number;
  readonly connectTimeoutMs: number;
}

const waitersMaxDefault = 1_024;
/** How often idle connections are looked through: one timer for all instead of one each. */
const sweepMs = 1_000;
/** Below this, head and body leave as one string in one system call without a buffer of their own. */
const joinBytesMax = 16_384;
/** Bytes read at once. One buffer a connection, reused; pieces of the body are copied out, most are a few hundred bytes. */
const readBytes = 65_536;

type ExchangeState = "waiting" | "sent" | "over";

class Exchange implements HttpExchange {
  readonly origin: Pool;
  readonly head: Buffer | string;
  readonly body: Buffer;
  readonly handler: HttpResponseHandler;
  state: ExchangeState = "waiting";
  connection: HttpConnection | undefined;

  constructor(origin: Pool, head: Buffer | string, body: Buffer, handler: HttpResponseHandler) {
    this.origin = origin;
    this.head = head;
    this.body = body;
    this.handler = handler;
  }

  resume(): void {
    this.connection?.resume();
  }

  abort(): void {
    if (this.state === "over") return;
    this.state = "over";
    if (this.connection === undefined) this.origin.forget(this);
    else this.connection.destroy();
  }

  fail(error: ManagerError, written: boolean): void {
    if (this.state === "over") return;
    this.state = "over";
    this.handler.onError(error, written);
  }
}

/** What a connection tells its pool. */
interface Pool {
  readonly options: HttpOriginOptions;
  readonly tick: number;
  forget(exchange: Exchange): void;
  onOpen(connection: HttpConnection): void;
  onFree(connection: HttpConnection): void;
  /** `unsent` was handed to a connection that had already gone; the server has seen nothing of it. */
  onClosed(
    connection: HttpConnection,
    wasOpen: boolean,
    error: ManagerError | undefined,
    unsent: Exchange | undefined,
  ): void;
}

class HttpConnection implements ResponseSink {
  /** The sweep at which it became idle. */
  idleSinceTick = 0;
  /** How long it may stay idle. */
  idleMs: number;
  readonly #pool: Pool;
  readonly #socket: Socket;
  readonly #parser: HttpResponseParser;
  #exchange: Exchange | undefined;
  #connectTimer: Timer | undefined;
  #isOpen = false;
  #isClosed = false;
  #isPaused = false;
  #heardKeepAlive = false;

  constructor(pool: Pool) {
    const { options } = pool;
    this.#pool = pool;
    this.idleMs = options.idleTimeoutMs;
    this.#parser = new HttpResponseParser(this, options.headerBytesMax);
    this.#connectTimer = options.clock.after(options.connectTimeoutMs, () =>
      this.#close(lost(options, false, `no answer within ${options.connectTimeoutMs} ms`)),
    );
    this.#socket = this.#open(options);
  }

  /** Sends a request; only when idle. */
  send(exchange: Exchange): void {
    invariant(this.#isOpen && this.#exchange === undefined, "a connection carries one request at a time");
    exchange.connection = this;
    exchange.state = "sent";
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
    const chunk = Buffer.allocUnsafe(end - start);
    bytes.copy(chunk, 0, start, end);
    if (!exchange.handler.onData(chunk)) this.#isPaused = true;
  }

  #open(options: HttpOriginOptions): Socket {
    const { host, port, tls } = options;
    const onread = {
      buffer: Buffer.allocUnsafeSlow(readBytes),
      callback: (length: number, bytes: Uint8Array): boolean => this.#onRead(bytes as Buffer, length),
    };
    const common = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, onread };
    const socket =
      tls === undefined ? connectTcp(common) : connectTls({ ...common, ...tls, ALPNProtocols: ["http/1.1"] });
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

  #finish(error: ManagerError | undefined, unsent: Exchange | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connectTimer?.cancel();
    this.#socket.destroy();
    this.#pool.onClosed(this, this.#isOpen, error, unsent);
  }
}

/** The connections to one origin, and the requests that wait for one. */
export class HttpOrigin implements Pool {
  readonly options: HttpOriginOptions;
  /** Counts sweeps; idle times are told in it, so that nobody reads the clock for each request. */
  tick = 0;
  readonly #connections = new Set<HttpConnection>();
  /** The most recently used last: it is the least likely to have been closed. */
  readonly #idle: HttpConnection[] = [];
  readonly #waiting = new Set<Exchange>();
  #connecting = 0;
  #sweep: Timer | undefined;
  #closed: ManagerError | undefined;

  constructor(options: HttpOriginOptions) {
    this.options = options;
  }

  get clock(): Clock {
    return this.options.clock;
  }

  /**
   * Sends a request. `head` is the request line and all header lines with the closing empty line, Content-Length included. With
   * no connection free it waits; with too many waiting it fails (`resource_exhausted`).
   */
  request(head: Buffer | string, body: Buffer, handler: HttpResponseHandler): HttpExchange {
    const exchange = new Exchange(this, head, body, handler);
    if (this.#closed !== undefined) {
      const error = this.#closed;
      queueMicrotask(() => exchange.fail(error, false));
      return exchange;
    }
    const connection = this.#idle.pop();
    if (connection !== undefined) connection.send(exchange);
    else this.#enqueue(exchange);
    return exchange;
  }

  /** Takes no new requests; those accepted end, idle connections close now, the others after their answer. */
  close(): void {
    this.#closed ??= new ManagerError("unavailable", `connections to ${nameOf(this.options)} are closed`, {
      reason: "CONNECTION_CLOSED",
    });
    for (const connection of this.#idle.splice(0)) connection.destroy();
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  /** Ends everything now; every request under way fails with `reason`. */
  destroy(reason?: ManagerError): void {
    this.close();
    const error = reason ?? this.#closed ?? lost(this.options, true, "the connection was closed");
    for (const exchange of [...this.#waiting]) {
      this.#waiting.delete(exchange);
      exchange.fail(error, false);
    }
    for (const connection of [...this.#connections]) connection.destroy(error);
  }

  forget(exchange: Exchange): void {
    this.#waiting.delete(exchange);
  }

  onOpen(connection: HttpConnection): void {
    this.#connecting--;
    this.onFree(connection);
  }

  onFree(connection: HttpConnection): void {
    const next = this.#takeWaiting();
    if (next !== undefined) return connection.send(next);
    if (this.#closed !== undefined) return connection.destroy();
    connection.idleSinceTick = this.tick;
    this.#idle.push(connection);
    this.#sweep ??= this.clock.after(sweepMs, this.#onSweep);
  }

  onClosed(
    connection: HttpConnection,
    wasOpen: boolean,
    error: ManagerError | undefined,
    unsent: Exchange | undefined,
  ): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (!wasOpen) {
      this.#connecting--;
      this.#onConnectFailed(error ?? lost(this.options, false, "the connection was closed"));
    }
    if (unsent !== undefined) this.#resend(unsent);
    this.#connectForWaiting();
  }

  #enqueue(exchange: Exchange): void {
    if (this.#waiting.size >= (this.options.waitersMax ?? waitersMaxDefault)) {
      const message = `too many requests wait for a connection to ${nameOf(this.options)} (${this.#waiting.size})`;
      const error = new ManagerError("resource_exhausted", message, { reason: "CONNECTION_QUEUE_FULL" });
      queueMicrotask(() => exchange.fail(error, false));
      return;
    }
    this.#waiting.add(exchange);
    this.#connectForWaiting();
  }

  /** As many connections are on their way as requests wait, up to the limit. */
  #connectForWaiting(): void {
    while (this.#connecting < this.#waiting.size && this.#connections.size < this.options.connectionsMax) {
      this.#connecting++;
      this.#connections.add(new HttpConnection(this));
    }
  }

  /** One failed attempt stands for one request while others are served; with no connection at all nobody will be. */
  #onConnectFailed(error: ManagerError): void {
    const hasOpen = this.#connections.size > this.#connecting;
    const victims = hasOpen ? [this.#takeWaiting()] : [...this.#waiting];
    if (!hasOpen) this.#waiting.clear();
    for (const exchange of victims) exchange?.fail(error, false);
  }

  #resend(exchange: Exchange): void {
    if (exchange.state === "over") return;
    exchange.state = "waiting";
    const connection = this.#idle.pop();
    if (connection !== undefined) connection.send(exchange);
    else this.#waiting.add(exchange);
  }

  #takeWaiting(): Exchange | undefined {
    for (const exchange of this.#waiting) {
      this.#waiting.delete(exchange);
      return exchange;
    }
    return undefined;
  }

  #onSweep = (): void => {
    this.#sweep = undefined;
    this.tick++;
    for (const connection of [...this.#idle]) {
      if ((this.tick - connection.idleSinceTick) * sweepMs >= connection.idleMs) connection.destroy();
    }
    if (this.#idle.length > 0) this.#sweep = this.clock.after(sweepMs, this.#onSweep);
  };
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

/** What `Keep-Alive: timeout=5` leaves, less a second for the way; without it, no limit. */
function keepAliveMs(value: string | undefined): number {
  const seconds = value === undefined ? undefined : /(?:^|[,\s])timeout=(\d{1,6})/.exec(value)?.[1];
  return seconds === undefined ? Infinity : Number(seconds) * 1_000 - sweepMs;
}

function nameOf(options: HttpOriginOptions): string {
  return `${options.tls === undefined ? "http" : "https"}://${options.host}:${options.port}`;
}

function lost(options: HttpOriginOptions, wasOpen: boolean, why: string, cause?: Error): ManagerError {
  const message = wasOpen
    ? `the connection to ${nameOf(options)} was lost: ${why}`
    : `cannot connect to ${nameOf(options)}: ${why}`;
  const reason = wasOpen ? "CONNECTION_LOST" : "CONNECT_FAILED";
  return new ManagerError("unavailable", message, cause === undefined ? { reason } : { reason, cause });
}
