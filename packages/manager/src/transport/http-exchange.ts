/**
 * One HTTP request from the moment it is asked for: who hears its response, and where it is just now (waiting for a connection, on
 * one, over). It moves no bytes; that is the connection's.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { HttpHeaders } from "./http-head.ts";

/** Hears one response. Calls come in order, never from inside `request`, and none comes after `onEnd`, `onError` or `abort`. */
export interface HttpResponseHandler {
  /** The final status (interim responses are read over). */
  onHead(status: number, headers: HttpHeaders): void;
  /** A piece of the body, the receiver's to keep, or to give back to `slabs` when it was written. False asks for a pause until `resume`; what is already read still comes. */
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

/** What carries an exchange that was sent. */
export interface Carrier {
  resume(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Where an exchange waits that was not sent yet. */
export interface Queue {
  forget(exchange: PooledExchange): void;
}

type ExchangeState = "waiting" | "sent" | "over";

/** The pool's side of a request: tells its handler one end, and silences it after `abort`. */
export class PooledExchange implements HttpExchange {
  readonly #queue: Queue;
  readonly head: Buffer | string;
  readonly body: Buffer;
  readonly handler: HttpResponseHandler;
  state: ExchangeState = "waiting";
  connection: Carrier | undefined;

  constructor(queue: Queue, head: Buffer | string, body: Buffer, handler: HttpResponseHandler) {
    this.#queue = queue;
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
    if (this.connection === undefined) this.#queue.forget(this);
    else this.connection.destroy();
  }

  fail(error: ManagerError, written: boolean): void {
    if (this.state === "over") return;
    this.state = "over";
    this.handler.onError(error, written);
  }
}
