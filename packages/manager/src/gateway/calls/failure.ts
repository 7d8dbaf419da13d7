/**
 * What goes wrong with a call on the manager's side, in words: no replica, no answer in time, an answer that this client cannot
 * be given. And how a caller is told. Errors that servers give of themselves are passed on and never come here.
 */
import { errorCodes, ManagerError } from "@mcp-manager/api";
import { errorResponse, JsonRpcCode, managerErrorResponse } from "../../protocol/errors.ts";
import type { RawHeaders, Reply } from "../reply.ts";
import type { ServerRoute } from "../routing/routing-table.ts";

/** Answers a call with the manager's own failure, under the HTTP status of its code. */
export function replyWithError(call: { readonly reply: Reply; readonly id: Buffer }, error: ManagerError): void {
  const { retryAfterMs } = error;
  const retryAfter: RawHeaders =
    retryAfterMs === undefined ? [] : ["retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1_000)))];
  call.reply.json(errorCodes[error.code].http, managerErrorResponse(call.id, error), retryAfter);
}

/** A server that nobody can reach now; says why, when its status knows. */
export function noReadyReplica({ name, trouble }: Pick<ServerRoute, "name" | "trouble">): ManagerError {
  const why = trouble === undefined ? "" : `: ${trouble.message}`;
  return new ManagerError("unavailable", `server "${name}" has no ready replica${why}`, {
    server: name,
    reason: "NO_READY_REPLICA",
    retryAfterMs: 1_000,
  });
}

/** A question to the client that was not answered in time. */
export function unanswered(server: string, afterMs: number): ManagerError {
  return new ManagerError("deadline_exceeded", `the client did not answer server "${server}" within ${afterMs} ms`, {
    server,
    reason: "QUESTION_TIMEOUT",
  });
}

/** A server asks something, and no more calls can wait for their clients. */
export function tooManyParked(server: string): ManagerError {
  const message = `too many calls wait for input from their clients, so server "${server}" cannot ask now; try again later`;
  return new ManagerError("unavailable", message, { server, reason: "TOO_MANY_PARKED", retryAfterMs: 5_000 });
}

/** A response that cannot go out piece by piece and is too long to be held. */
export function tooLongToHold(server: string): ManagerError {
  const message = `server "${server}" sent a response that is too long to be passed on to this client`;
  return new ManagerError("protocol_error", message, { server, reason: "MESSAGE_TOO_LARGE" });
}

/** The answer to a parked call, for which there was no room until its client comes. */
export function answerNotKept(server: string): ManagerError {
  const message = `server "${server}" answered while the client was away, and there was no room to keep its answer: call again without params.requestState`;
  return new ManagerError("unavailable", message, { server, reason: "ANSWER_NOT_KEPT", retryAfterMs: 5_000 });
}

/** A modern server's question that cannot be sealed for its client. */
export function stateNotSealed(server: string): ManagerError {
  const message = `server "${server}" asked for input in a way that cannot be read, or with a requestState that is larger than the manager passes on`;
  return new ManagerError("protocol_error", message, { server, reason: "INPUT_REQUIRED" });
}

/** A modern server asked for input, and is a legacy one when the answer comes. */
export function askedInOtherEra(server: string): ManagerError {
  const message = `server "${server}" no longer speaks the protocol version in which it asked: call again without params.requestState`;
  return new ManagerError("failed_precondition", message, { server, reason: "INPUT_REQUIRED" });
}

/** A legacy server asked a modern client for something that the request does not offer. */
export function lacksCapability(id: Buffer, server: string, capability: string): Buffer {
  const message = `server "${server}" needs the client capability ${JSON.stringify(capability)}, which the request does not declare`;
  return errorResponse(id, JsonRpcCode.missingClientCapability, message, {
    requiredCapabilities: { [capability]: {} },
  });
}

/** A result that a client of the legacy era would take for something else. */
export function cannotBridge(server: string): ManagerError {
  return new ManagerError(
    "protocol_error",
    `server "${server}" asked for input, which cannot be passed on to a client of an older protocol revision yet`,
    { server, reason: "INPUT_REQUIRED_UNSUPPORTED" },
  );
}

/**
 * Instead of an error that speaks of the hop between the manager and a server (-32020, -32021, -32022): the client did nothing
 * wrong, and might take the code for a verdict on its own request (specification 2026-07-28, basic/versioning).
 */
export function otherHop(server: string, code: number): ManagerError {
  const what =
    code === JsonRpcCode.headerMismatch
      ? "refused the headers that the manager wrote for this call"
      : code === JsonRpcCode.unsupportedProtocolVersion
        ? "no longer speaks the protocol version it was opened with"
        : "needs a client capability that cannot be passed on to this client yet";
  return new ManagerError("protocol_error", `server "${server}" ${what} (error ${code})`, {
    server,
    reason: "UPSTREAM_REFUSED",
  });
}

/** A modern server wants a capability that this modern client did not declare: said anew, with nothing but what is wanted. */
export function missingCapability(id: Buffer, server: string, response: Buffer): Buffer {
  const message = `server "${server}" needs client capabilities that the request does not declare`;
  return errorResponse(id, JsonRpcCode.missingClientCapability, message, {
    requiredCapabilities: requiredCapabilities(response),
  });
}

function requiredCapabilities(response: Buffer): unknown {
  const { error } = JSON.parse(response.toString()) as { error?: { data?: { requiredCapabilities?: unknown } | null } };
  return error?.data?.requiredCapabilities ?? {};
}
