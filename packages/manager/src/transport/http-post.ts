/**
 * Single HTTP exchanges outside a call: those that open a connection (discover, initialize), and notifications, for which no
 * answer is waited. Knows no eras.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Timer } from "../base/clock.ts";
import { classifyFrame } from "../protocol/response.ts";
import { SseParser } from "../protocol/sse.ts";
import type { HttpExchange, HttpResponseHandler } from "./http-exchange.ts";
import { type HttpHeaders, mediaTypeOf } from "./http-head.ts";
import type { HttpOrigin } from "./http-origin.ts";

/** What came back, whatever its status. */
export interface PostAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** The JSON body, or the first response in the event stream; empty when there was none. */
  readonly message: Buffer;
}

export interface PostOptions {
  readonly origin: HttpOrigin;
  /** Request line and headers, each line ended by CRLF, without Content-Length and the closing line. */
  readonly head: string;
  readonly body: Buffer;
  readonly timeoutMs: number;
  /** Largest answer taken. */
  readonly bytesMax: number;
}

/** Posts one message and resolves with the answer, whatever its status; rejects with what kept it from coming. */
export function post(options: PostOptions): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    new Post(options, resolve, reject).send();
  });
}

class Post implements HttpResponseHandler {
  readonly #options: PostOptions;
  readonly #resolve: (answer: PostAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: HttpHeaders = noHeaders;
  /** Set when the answer is a stream of events. */
  #events: SseParser | undefined;
  #exchange: HttpExchange | undefined;
  #timer: Timer | undefined;

  constructor(options: PostOptions, resolve: (answer: PostAnswer) => void, reject: (error: unknown) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  send(): void {
    const { origin, head, body, timeoutMs } = this.#options;
    this.#timer = origin.clock.after(timeoutMs, () =>
      this.#fail(new ManagerError("deadline_exceeded", `no answer within ${timeoutMs} ms`)),
    );
    this.#exchange = origin.request(`${head}Content-Length: ${body.length}\r\n\r\n`, body, this);
  }

  onHead(status: number, headers: HttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (mediaTypeOf(headers.get("content-type")) !== "events") return;
    this.#events = new SseParser({
      eventBytesMax: this.#options.bytesMax,
      onEvent: ({ data }) => {
        if (classifyFrame(data).kind === "response") this.#done(data);
      },
    });
  }

  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.bytesMax) {
      this.#fail(new ManagerError("protocol_error", `an answer of more than ${this.#options.bytesMax} bytes`));
    } else if (this.#events === undefined) {
      this.#chunks.push(chunk);
    } else {
      this.#events.push(chunk);
    }
    return true;
  }

  onEnd(): void {
    this.#done(Buffer.concat(this.#chunks));
  }

  onError(error: ManagerError): void {
    this.#fail(error);
  }

  #done(message: Buffer): void {
    this.#release();
    this.#resolve({ status: this.#status, headers: this.#headers, message });
  }

  #fail(error: ManagerError): void {
    this.#release();
    this.#reject(error);
  }

  #release(): void {
    this.#timer?.cancel();
    this.#exchange?.abort();
  }
}

const noHeaders: HttpHeaders = { get: () => undefined };

/**
 * Sends a notification (or, without a body, ends a session) and forgets it: its loss harms nobody. `onOver` hears when it was answered, or
 * will not be.
 */
export function postNotification(
  origin: HttpOrigin,
  head: string,
  body: Buffer | undefined,
  onOver: () => void = () => {},
): void {
  const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
  const over = (): void => {
    timer.cancel();
    onOver();
  };
  const exchange = origin.request(`${head}${length}\r\n`, body ?? Buffer.alloc(0), {
    onHead: () => {},
    onData: () => true,
    onEnd: over,
    onError: over,
  });
  // A server may answer a notification with a stream that it never ends.
  const timer = origin.clock.after(notificationTimeoutMs, () => {
    exchange.abort();
    onOver();
  });
}

const notificationTimeoutMs = 5_000;
