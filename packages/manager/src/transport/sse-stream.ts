/**
 * The stream of a server that speaks HTTP+SSE: one GET, whose first event names the address for messages and whose later ones are
 * the server's messages. It knows no JSON-RPC, and is never taken up again: the session is the stream, and ends with it.
 * Source: specification 2024-11-05, basic/transports ("HTTP with SSE").
 */
import { ManagerError } from "@mcp-manager/api";
import { type EventParts, type SseEvent, SseParser, type SseParserOptions } from "../protocol/sse.ts";
import type { HttpTarget } from "./http-call.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import { type HttpHeaders, mediaTypeOf } from "./http-head.ts";
import { httpFailure, retryAfterMs } from "./http-status.ts";

/** How one server of this transport is reached: `path` is the stream's. */
export interface SseTarget extends HttpTarget {
  /** The address of the stream, to which the one for messages is relative. */
  readonly url: URL;
}

/** Whose stream it is. Called in order, and never after `close`. */
export interface SseStreamOwner {
  /** Path and query of the address that messages are posted to; once. */
  onEndpoint(path: string): void;
  /** The data of one event of type `message`. */
  onMessage(data: Buffer): void;
  /** A long one has begun like this. Answers who takes the rest in parts; undefined: it comes whole. */
  onLongMessage(head: Buffer): EventParts | undefined;
  /** It is over, and has closed itself. */
  onStreamLost(reason: ManagerError): void;
}

/** A longer address would not fit the request line of every server. */
const endpointBytesMax = 8_000;

export class SseStream implements HttpResponseHandler, SseParserOptions {
  readonly eventBytesMax: number;
  readonly #owner: SseStreamOwner;
  readonly #target: SseTarget;
  readonly #parser: SseParser;
  readonly #exchange: HttpExchange;
  #hasEndpoint = false;
  #isPaused = false;
  #isOver = false;

  /** Asks for the stream. */
  constructor(owner: SseStreamOwner, target: SseTarget) {
    this.#owner = owner;
    this.#target = target;
    this.eventBytesMax = target.messageBytesMax;
    this.#parser = new SseParser(this);
    const head = `GET ${target.path} HTTP/1.1\r\n${target.headerLines}Accept: text/event-stream\r\n\r\n`;
    this.#exchange = target.origin.request(head, noBody, this);
  }

  /** Reads no more for now; what has been read already still comes. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#exchange.resume();
  }

  close(): void {
    this.#isOver = true;
    this.#parser.end();
    this.#exchange.abort();
  }

  onHead(status: number, headers: HttpHeaders): void {
    const contentType = headers.get("content-type");
    if (status === 200 && mediaTypeOf(contentType) === "events") return;
    const { server } = this.#target;
    if (status === 401 || status === 403 || status === 429 || status >= 500) {
      return this.#lose(httpFailure(server, status, retryAfterMs(headers)));
    }
    const got = `HTTP ${status} with content type "${contentType ?? "none"}"`;
    const advice = "if it speaks the newer transport, set spec.source.transport to streamable-http";
    this.#lose(this.#broken(`gave no event stream but ${got}; ${advice}`));
  }

  onData(chunk: Buffer): boolean {
    try {
      this.#parser.push(chunk);
    } catch (error) {
      const { code, message, reason } = ManagerError.from(error);
      const { server } = this.#target;
      this.#lose(new ManagerError(code, `server "${server}": ${message}`, { server, reason, cause: error }));
    }
    return !this.#isPaused;
  }

  onEnd(): void {
    this.#lose(this.#gone("it ended its stream"));
  }

  onError(error: ManagerError): void {
    this.#lose(this.#gone(error.message, error));
  }

  onEvent({ data, event }: SseEvent): void {
    if (this.#isOver) return;
    // Other types are something else's: keep-alives, mostly.
    if ((event ?? "message") === "message") this.#owner.onMessage(data);
    else if (event === "endpoint" && !this.#hasEndpoint) this.#onEndpoint(data);
  }

  onLongEvent(head: Buffer): EventParts | undefined {
    return this.#isOver ? undefined : this.#owner.onLongMessage(head);
  }

  /** The manager's credential for the server goes where this says, so it must lead nowhere else. */
  #onEndpoint(data: Buffer): void {
    const { url } = this.#target;
    const endpoint = data.length > endpointBytesMax ? null : URL.parse(data.toString(), url);
    if (endpoint === null) return this.#lose(this.#broken("gave an address for messages that is no usable URL"));
    if (endpoint.origin !== url.origin) {
      const message = `gave an address for messages at ${endpoint.origin}, which is not its own origin ${url.origin}`;
      return this.#lose(this.#broken(message));
    }
    this.#hasEndpoint = true;
    this.#owner.onEndpoint(`${endpoint.pathname}${endpoint.search}`);
  }

  #lose(reason: ManagerError): void {
    if (this.#isOver) return;
    this.close();
    this.#owner.onStreamLost(reason);
  }

  #gone(why: string, cause?: ManagerError): ManagerError {
    const { server } = this.#target;
    return new ManagerError(cause?.code ?? "unavailable", `the stream of server "${server}" was lost: ${why}`, {
      server,
      reason: "CONNECTION_LOST",
      cause,
    });
  }

  #broken(what: string): ManagerError {
    const { server } = this.#target;
    return new ManagerError("protocol_error", `server "${server}" ${what}`, { server });
  }
}

const noBody = Buffer.alloc(0);
