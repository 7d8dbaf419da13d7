/**
 * The manager's own requests that open a shared channel (`server/discover`, `initialize`), and the words for an opening that did not
 * come about. It decides nothing: what an answer means is its caller's.
 */
import { type ErrorCode, ManagerError } from "@mcp-manager/api";
import { invariant } from "../base/invariant.ts";
import { scanEnvelope } from "../protocol/envelope.ts";
import { errorCodeOf } from "../protocol/response.ts";
import type { OutboundRequest } from "./connection.ts";
import type { SharedChannel } from "./shared-connection.ts";

/** What became of a request of the manager's own. */
export type Answer =
  | { readonly kind: "message"; readonly message: Buffer }
  | { readonly kind: "silence" }
  | { readonly kind: "failure"; readonly error: ManagerError };

/** One request of the manager's own over the channel; it is not cancelled, because `initialize` must not be. */
export function askOnce(channel: SharedChannel, bytes: Buffer, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const timer = channel.calls.clock.after(timeoutMs, () => resolve({ kind: "silence" }));
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

/** The manager's own request, in whole as it is written. */
export function ownRequest(bytes: Buffer): OutboundRequest {
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

/**
 * Closes the channel, and gives the error that names the server, the stage and what came instead: `deadline_exceeded` for silence,
 * the channel's own code when it was lost, else `protocol_error`. `lines` are those on stdout that were no messages.
 */
export function abandoned(
  channel: SharedChannel,
  stage: string,
  answer: Answer,
  timeoutMs: number,
  lines: readonly string[] = [],
): ManagerError {
  const { server } = channel.calls;
  const noise = lines.map(short);
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
