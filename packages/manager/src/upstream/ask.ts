/**
 * The manager's own requests to a server (lists, subscriptions, tool calls made through REST), as one promise each. What clients send
 * is forwarded by the gateway's `calls/forward.ts` instead and never goes through here.
 */
import { ManagerError } from "@mcp-manager/api";
import type { TimerWheel } from "../base/timer-wheel.ts";
import { modernMeta } from "../protocol/modern.ts";
import { outcomeOf } from "../protocol/response.ts";
import type { Ending } from "../resilience/ending.ts";
import type { Connection, Exchange, OutboundRequest } from "../transport/connection.ts";
import { endingOfFailure, endingOfResponse, takenBack, timedOut } from "./call-ending.ts";

export interface AskOptions {
  readonly connection: Connection;
  /** For messages. */
  readonly server: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The upstream's own tool, prompt or resource name, where the method has one. */
  readonly name?: string;
  /** `Mcp-Param-*` headers, name and value in turn. Default: none. */
  readonly paramHeaders?: readonly string[];
  readonly timeoutMs: number;
  readonly wheel: TimerWheel;
  readonly nowMs: number;
  /** Its abort takes the request back. Default: nothing does. */
  readonly signal?: AbortSignal;
  /** Hears, once, what its end says of the server, and the time that this asked for; before the promise settles. */
  readonly onEnding?: (ending: Ending, retryAfterMs?: number) => void;
}

/** Answers are held whole: a longer one is given up. As much as a remote server's message may have. */
const answerBytesMax = 64 * 1024 * 1024;
const idAt = '{"jsonrpc":"2.0","id":'.length;

/** Resolves with the whole response message, an error response included; rejects when none came in time. */
export function ask(options: AskOptions): Promise<Buffer> {
  const { connection, server, method, timeoutMs, wheel, signal, onEnding } = options;
  if (signal?.aborted === true) {
    onEnding?.("cancelled");
    return Promise.reject(takenBack(server, method));
  }
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let exchange: Exchange | undefined;
  // Set before the request is sent: a closed connection fails it at once.
  const deadline = wheel.schedule(options.nowMs, timeoutMs, () => {
    signal?.removeEventListener("abort", takeBack);
    exchange?.cancel("timed out");
    onEnding?.("timeout");
    reject(timedOut(server, method, timeoutMs));
  });
  const over = (): void => {
    wheel.cancel(deadline);
    signal?.removeEventListener("abort", takeBack);
  };
  const takeBack = (): void => {
    over();
    exchange?.cancel("the caller has gone");
    onEnding?.("cancelled");
    reject(takenBack(server, method));
  };
  signal?.addEventListener("abort", takeBack);
  const giveUp = (): boolean => {
    chunks.length = 0;
    over();
    exchange?.cancel("the answer is too long");
    onEnding?.("server_fault");
    const message = `server "${server}" answered ${method} with more than ${answerBytesMax} bytes`;
    reject(new ManagerError("protocol_error", message, { server }));
    return true;
  };
  exchange = connection.send(requestOf(options), {
    onNotification: () => {},
    onResponse(chunk, last) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > answerBytesMax) return giveUp();
      if (!last) return true;
      over();
      const answer = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      onEnding?.(endingOfResponse(outcomeOf(answer), answer));
      resolve(answer);
      return true;
    },
    onFailure(error, written) {
      over();
      onEnding?.(endingOfFailure(error, written), error.retryAfterMs);
      reject(error);
    },
  });
  return promise;
}

function requestOf({ connection, method, params, name, paramHeaders = [] }: AskOptions): OutboundRequest {
  const whole = connection.facts.era === "modern" ? { ...params, _meta: modernMeta() } : params;
  return {
    bytes: Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 0, method, params: whole })),
    edits: [],
    idStart: idAt,
    idEnd: idAt + 1,
    progressTokenStart: -1,
    progressTokenEnd: -1,
    method,
    name,
    paramHeaders,
  };
}
