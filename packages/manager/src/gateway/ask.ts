/**
 * The gateway's own requests to a server (lists, and tool calls made through REST), as one promise each. What clients send is
 * forwarded by `forward.ts` instead and never goes through here.
 */
import { ManagerError } from "@mcp-manager/api";
import type { TimerWheel } from "../base/timer-wheel.ts";
import { modernMeta } from "../protocol/modern.ts";
import type { Connection } from "../transport/connection.ts";

export interface AskOptions {
  readonly connection: Connection;
  /** For messages. */
  readonly server: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The upstream's own tool, prompt or resource name, where the method has one. */
  readonly name?: string;
  readonly timeoutMs: number;
  readonly wheel: TimerWheel;
  readonly nowMs: number;
}

const idAt = '{"jsonrpc":"2.0","id":'.length;

/** Resolves with the whole response message, an error response included; rejects when none came in time. */
export function ask(options: AskOptions): Promise<Buffer> {
  const { connection, method } = options;
  const params = connection.facts.era === "modern" ? { ...options.params, _meta: modernMeta() } : options.params;
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 0, method, params }));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const exchange = connection.send(
      {
        bytes,
        edits: [],
        idStart: idAt,
        idEnd: idAt + 1,
        progressTokenStart: -1,
        progressTokenEnd: -1,
        method,
        name: options.name,
        paramHeaders: [],
      },
      {
        onNotification: () => {},
        onResponse(chunk, last) {
          chunks.push(chunk);
          if (!last) return true;
          options.wheel.cancel(deadline);
          resolve(chunks.length === 1 ? chunk : Buffer.concat(chunks));
          return true;
        },
        onFailure(error) {
          options.wheel.cancel(deadline);
          reject(error);
        },
      },
    );
    const deadline = options.wheel.schedule(options.nowMs, options.timeoutMs, () => {
      exchange.cancel("timed out");
      reject(timedOut(options.server, method, options.timeoutMs));
    });
  });
}

/** The failure of a request that got no answer within its time. */
export function timedOut(server: string, method: string, timeoutMs: number): ManagerError {
  return new ManagerError("deadline_exceeded", `server "${server}" did not answer ${method} within ${timeoutMs} ms`, {
    server,
    reason: "CALL_TIMEOUT",
  });
}
