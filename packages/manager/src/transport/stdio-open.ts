/**
 * Opens a connection to a server on stdio. The era is found by `probeStdio` on a process that may be lost: servers exist that exit
 * on any message before `initialize`, so a process that is to serve the legacy era is never asked `server/discover`. It owns
 * nothing: processes are started and stopped by its caller, also the one that was probed.
 *
 *   probeStdio(sibling) ─▶ a connection: a modern server, and the sibling may stay and serve
 *                       └▶ undefined: a legacy one; stop the sibling, then initializeStdio(serving process)
 *
 * Source: specification 2026-07-28, basic/versioning and basic/transports/stdio; 2025-11-25, basic/lifecycle.
 */
import { type ErrorCode, ManagerError } from "@mcp-manager/api";
import { scanEnvelope } from "../protocol/envelope.ts";
import { invariant } from "../base/invariant.ts";
import { initializedNotification, initializeRequest, parseInitializeResult } from "../protocol/legacy.ts";
import { discoverRequest } from "../protocol/modern.ts";
import { errorCodeOf } from "../protocol/response.ts";
import type { Connection, OutboundRequest } from "./connection.ts";
import { type DiscoverVerdict, judgeDiscover } from "./discover.ts";
import { StdioChannel, type StdioChannelOptions } from "./stdio-channel.ts";
import { StdioConnection } from "./stdio.ts";

export interface StdioOpenOptions extends StdioChannelOptions {
  /** The most that `initialize` may take, in milliseconds. */
  readonly openTimeoutMs: number;
  /** The most that `server/discover` may take before silence counts as legacy, in milliseconds. */
  readonly probeTimeoutMs: number;
}

/**
 * Asks a process for `server/discover`: an open connection to a modern server, or undefined for a legacy one, which silence and the
 * end of the process count as too. Rejects when a modern server refuses the manager (`protocol_error`): that is no verdict.
 */
export async function probeStdio(options: StdioOpenOptions): Promise<Connection | undefined> {
  const channel = new StdioChannel(options);
  const { probeTimeoutMs } = options;
  for (let attempt = 0; ; attempt++) {
    const answer = await askOnce(channel, discoverRequest(0), probeTimeoutMs);
    const verdict = answer.kind === "message" ? judgeDiscover(answer.message) : legacyVerdict;
    switch (verdict.kind) {
      case "modern":
        return new StdioConnection(channel, verdict.facts);
      case "legacy":
        channel.destroy(probeIsOver(channel.server));
        return undefined;
      case "again":
        if (attempt === 0) break;
        throw abandoned(channel, "server/discover", answer, probeTimeoutMs);
      case "refused":
        throw abandoned(channel, "server/discover", answer, probeTimeoutMs);
    }
  }
}

const legacyVerdict: DiscoverVerdict = { kind: "legacy" };

/**
 * Initializes a legacy server on the process that will serve. Rejects with a ManagerError that names the server, the stage and
 * what came instead: `deadline_exceeded` for silence, `unavailable` when the process ended, else `protocol_error`.
 */
export async function initializeStdio(options: StdioOpenOptions): Promise<Connection> {
  const channel = new StdioChannel(options);
  const answer = await askOnce(channel, initializeRequest(0), options.openTimeoutMs);
  const facts = answer.kind === "message" ? parseInitializeResult(answer.message) : undefined;
  if (facts === undefined) throw abandoned(channel, "initialize", answer, options.openTimeoutMs);
  channel.notify(initializedNotification());
  return new StdioConnection(channel, facts);
}

type Answer =
  | { readonly kind: "message"; readonly message: Buffer }
  | { readonly kind: "silence" }
  | { readonly kind: "failure"; readonly error: ManagerError };

/** One request of the manager's own over the channel; it is not cancelled, because `initialize` must not be. */
function askOnce(channel: StdioChannel, bytes: Buffer, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const timer = channel.clock.after(timeoutMs, () => resolve({ kind: "silence" }));
    const settle = (answer: Answer): void => {
      timer.cancel();
      resolve(answer);
    };
    channel.send(ownRequest(bytes), {
      onNotification: () => {},
      onResponse(message) {
        settle({ kind: "message", message });
        return true;
      },
      onFailure: (error) => settle({ kind: "failure", error }),
    });
  });
}

function ownRequest(bytes: Buffer): OutboundRequest {
  const scan = scanEnvelope(bytes);
  invariant(scan.ok, "the manager's own requests are well-formed");
  const { envelope } = scan;
  return {
    bytes,
    edits: [],
    idStart: envelope.start("id"),
    idEnd: envelope.end("id"),
    progressTokenStart: -1,
    progressTokenEnd: -1,
    method: envelope.method,
    name: undefined,
    paramHeaders: [],
  };
}

function probeIsOver(server: string): ManagerError {
  return new ManagerError("unavailable", `the probe of server "${server}" is over`, {
    server,
    reason: "CONNECTION_CLOSED",
  });
}

/** Closes the channel, and gives the error that says why. */
function abandoned(channel: StdioChannel, stage: string, answer: Answer, timeoutMs: number): ManagerError {
  const { server } = channel;
  const noise = channel.recentNoise.map(short);
  const heard = noise.length === 0 ? "" : `; on stdout, where only messages belong, it wrote ${noise.join(", ")}`;
  const message = `server "${server}" did not open at ${stage}: ${insteadOf(answer, timeoutMs)}${heard}`;
  const error = new ManagerError(codeOf(answer), message, {
    server,
    reason: "OPEN_FAILED",
    details: { stage, noise },
    ...(answer.kind === "failure" ? { cause: answer.error } : {}),
  });
  channel.destroy(error);
  return error;
}

/** What came instead of the answer that was hoped for. */
function insteadOf(answer: Answer, timeoutMs: number): string {
  switch (answer.kind) {
    case "silence":
      return `no answer within ${timeoutMs} ms`;
    case "failure":
      return answer.error.message;
    case "message": {
      const code = errorCodeOf(answer.message);
      const text = short(answer.message.toString("utf8", 0, 2 * quotedLengthMax));
      return code === undefined ? `it gave no valid answer but ${text}` : `it answered error ${code}: ${text}`;
    }
  }
}

function codeOf(answer: Answer): ErrorCode {
  switch (answer.kind) {
    case "silence":
      return "deadline_exceeded";
    case "failure":
      return answer.error.code;
    case "message":
      return "protocol_error";
  }
}

const quotedLengthMax = 200;

function short(text: string): string {
  return JSON.stringify(text.length > quotedLengthMax ? `${text.slice(0, quotedLengthMax)}…` : text);
}
