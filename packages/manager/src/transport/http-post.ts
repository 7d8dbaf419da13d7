/**
 * Single HTTP exchanges outside a call: those that open a connection (discover, initialize), and notifications, for which no
 * answer is waited. Knows no eras.
 */
import { ManagerError } from "@mcp-manager/api";
import { classifyFrame } from "../protocol/response.ts";
import { SseParser } from "../protocol/sse.ts";
import type { HttpExchange, HttpHeaders, HttpOrigin } from "./http-connection.ts";

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
  /** For messages. */
  readonly server: string;
}

/** Posts one message and resolves with the answer, whatever its status; rejects with what kept it from coming. */
export function post(options: PostOptions): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    let exchange: HttpExchange | undefined;
    let head: { status: number; headers: HttpHeaders } | undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (act: () => void): void => {
      timer.cancel();
      exchange?.abort();
      act();
    };
    const timer = options.origin.clock.after(options.timeoutMs, () =>
      settle(() =>
        reject(
          new ManagerError(
            "deadline_exceeded",
            `server "${options.server}" did not answer within ${options.timeoutMs} ms`,
            {
              server: options.server,
            },
          ),
        ),
      ),
    );
    const done = (message: Buffer): void => {
      const answered = head;
      if (answered !== undefined) settle(() => resolve({ ...answered, message }));
    };
    const parser = new SseParser({
      eventBytesMax: options.bytesMax,
      onEvent: (event) => {
        if (classifyFrame(event.data).kind === "response") done(event.data);
      },
    });
    exchange = options.origin.request(`${options.head}Content-Length: ${options.body.length}\r\n\r\n`, options.body, {
      onHead(status, headers) {
        head = { status, headers };
      },
      onData(chunk) {
        bytes += chunk.length;
        if (bytes > options.bytesMax) {
          settle(() =>
            reject(new ManagerError("protocol_error", `server "${options.server}" sent too long an answer`)),
          );
        } else if (head?.headers.get("content-type")?.startsWith("text/event-stream")) {
          parser.push(chunk);
        } else {
          chunks.push(chunk);
        }
        return true;
      },
      onEnd: () => done(Buffer.concat(chunks)),
      onError: (error) => settle(() => reject(error)),
    });
  });
}

/** Sends a notification (or, without a body, ends a session) and forgets it: its loss harms nobody. */
export function postNotification(origin: HttpOrigin, head: string, body: Buffer | undefined): void {
  const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
  const exchange = origin.request(`${head}${length}\r\n`, body ?? Buffer.alloc(0), {
    onHead: () => {},
    onData: () => true,
    onEnd: () => timer.cancel(),
    onError: () => timer.cancel(),
  });
  // A server may answer a notification with a stream that it never ends.
  const timer = origin.clock.after(notificationTimeoutMs, () => exchange.abort());
}

const notificationTimeoutMs = 5_000;
