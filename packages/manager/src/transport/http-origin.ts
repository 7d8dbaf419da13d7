/**
 * HTTP/1.1 to one origin over kept connections of our own: how many there are, which is free, and the requests that wait for one. It
 * never retries what a server may have seen, and knows nothing of MCP; deadlines on answers are the caller's, who aborts.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import {
  type ConnectionPool,
  HttpConnection,
  type HttpConnectionOptions,
  lost,
  nameOf,
  sweepMs,
} from "./http-connection.ts";
import { PooledExchange, type HttpExchange, type HttpResponseHandler, type Queue } from "./http-exchange.ts";

export interface HttpOriginOptions extends HttpConnectionOptions {
  /** Connections at most, streams included. */
  readonly connectionsMax: number;
  /** Requests that may wait for a connection; default 1,024, as many as a server's queue of calls. */
  readonly waitersMax?: number;
  /** A connection that has carried so many requests, or is so old, is replaced between two of them. Default: none is. */
  readonly requestsMax?: number;
  readonly ageMaxMs?: number;
}

/** Connections of an origin, or of several. */
export interface SocketCounts {
  readonly open: number;
  /** Of those, how many carry nothing now. */
  readonly idle: number;
  /** How many were opened so far, and how many requests found one open. */
  readonly opened: number;
  readonly reused: number;
  /** How many were closed because of their age or use. */
  readonly recycled: number;
}

const waitersMaxDefault = 1_024;

/** The connections to one origin, and the requests that wait for one. */
export class HttpOrigin implements ConnectionPool, Queue {
  readonly options: HttpOriginOptions;
  readonly #connections = new Set<HttpConnection>();
  /** The most recently used last: it is the least likely to have been closed. */
  readonly #idle: HttpConnection[] = [];
  readonly #waiting = new Set<PooledExchange>();
  /** Counts sweeps; idle times are told in it, so that nobody reads the clock for each request. */
  #tick = 0;
  #connecting = 0;
  #opened = 0;
  #reused = 0;
  #recycled = 0;
  #sweep: Timer | undefined;
  #closed: ManagerError | undefined;

  constructor(options: HttpOriginOptions) {
    this.options = options;
  }

  get clock(): Clock {
    return this.options.clock;
  }

  get counts(): SocketCounts {
    const open = this.#connections.size - this.#connecting;
    return {
      open,
      idle: this.#idle.length,
      opened: this.#opened,
      reused: this.#reused,
      recycled: this.#recycled,
    };
  }

  /**
   * Sends a request. `head` is the request line and all header lines with the closing empty line, Content-Length included. With
   * no connection free it waits; with too many waiting it fails (`resource_exhausted`).
   */
  request(head: Buffer | string, body: Buffer, handler: HttpResponseHandler): HttpExchange {
    const exchange = new PooledExchange(this, head, body, handler);
    if (this.#closed !== undefined) {
      const error = this.#closed;
      queueMicrotask(() => exchange.fail(error, false));
      return exchange;
    }
    const connection = this.#idle.pop();
    if (connection === undefined) this.#enqueue(exchange);
    else this.#send(connection, exchange);
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

  forget(exchange: PooledExchange): void {
    this.#waiting.delete(exchange);
  }

  onOpen(connection: HttpConnection): void {
    this.#connecting--;
    this.#opened++;
    this.#use(connection);
  }

  onFree(connection: HttpConnection): void {
    const { requestsMax = Infinity } = this.options;
    if (!connection.isWorn && connection.requests < requestsMax) return this.#use(connection);
    this.#recycled++;
    connection.destroy();
  }

  #send(connection: HttpConnection, exchange: PooledExchange): void {
    if (connection.requests > 0) this.#reused++;
    connection.send(exchange);
  }

  #use(connection: HttpConnection): void {
    const next = this.#takeWaiting();
    if (next !== undefined) return this.#send(connection, next);
    if (this.#closed !== undefined) return connection.destroy();
    connection.idleSinceTick = this.#tick;
    this.#idle.push(connection);
    this.#sweep ??= this.clock.after(sweepMs, this.#onSweep);
  }

  onClosed(
    connection: HttpConnection,
    wasOpen: boolean,
    error: ManagerError | undefined,
    unsent: PooledExchange | undefined,
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

  #enqueue(exchange: PooledExchange): void {
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

  #resend(exchange: PooledExchange): void {
    if (exchange.state === "over") return;
    exchange.state = "waiting";
    const connection = this.#idle.pop();
    if (connection !== undefined) this.#send(connection, exchange);
    else this.#waiting.add(exchange);
  }

  #takeWaiting(): PooledExchange | undefined {
    for (const exchange of this.#waiting) {
      this.#waiting.delete(exchange);
      return exchange;
    }
    return undefined;
  }

  /** Those that are too old go now, or when they are free. */
  #markWorn(): void {
    const { ageMaxMs = Infinity } = this.options;
    const openedBeforeMs = this.clock.nowMs() - ageMaxMs;
    for (const connection of this.#connections) connection.isWorn ||= connection.openedMs <= openedBeforeMs;
    for (const connection of this.#idle.filter(({ isWorn }) => isWorn)) {
      this.#recycled++;
      connection.destroy();
    }
  }

  #onSweep = (): void => {
    this.#sweep = undefined;
    this.#tick++;
    this.#markWorn();
    for (const connection of [...this.#idle]) {
      if ((this.#tick - connection.idleSinceTick) * sweepMs >= connection.idleMs) connection.destroy();
    }
    if (this.#idle.length > 0) this.#sweep = this.clock.after(sweepMs, this.#onSweep);
  };
}
