/**
 * How an attempt at a call ended, said once: from the response's own words, or from what kept it from coming. And what its caller may
 * do after that. Pure; the table of what endings mean is `resilience/ending.ts`.
 */
import { ManagerError } from "@mcp-manager/api";
import { JsonRpcCode } from "../protocol/errors.ts";
import { errorCodeOf, type Outcome } from "../protocol/response.ts";
import type { Ending } from "../resilience/ending.ts";
import { rateLimitedReason } from "../transport/http-status.ts";

/** Error codes by which a server says that the request was at fault, not it. -32042: it wants its client to open a URL first. */
const clientFaults: ReadonlySet<number | undefined> = new Set([
  JsonRpcCode.invalidRequest,
  JsonRpcCode.methodNotFound,
  JsonRpcCode.invalidParams,
  JsonRpcCode.headerMismatch,
  JsonRpcCode.missingClientCapability,
  JsonRpcCode.unsupportedProtocolVersion,
  // In the range of server faults, but for MCP it is a URI that is not there (docs/decisions/0012).
  JsonRpcCode.resourceNotFound,
  -32042,
]);

/** Reasons of the manager's own: it has no connection to spare, or takes the one away. */
const ownReasons: ReadonlySet<string> = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_QUEUE_FULL",
  "GAVE_WAY",
  "LEASES_EXHAUSTED",
  "NO_READY_REPLICA",
]);

/** Methods that change nothing by the protocol's own rules. A tool's word on itself (`idempotentHint`) is not trusted. */
export function isIdempotent(method: string): boolean {
  return method === "resources/read" || method === "prompts/get" || method === "completion/complete";
}

/** Of an attempt that was answered; `message` is the whole response, or as much of it as says what it is. */
export function endingOfResponse(outcome: Outcome, message: Buffer): Ending {
  if (outcome === "tool_error") return "tool_error";
  if (outcome !== "protocol_error") return "answered";
  return clientFaults.has(errorCodeOf(message)) ? "client_fault" : "server_fault";
}

/** Of an attempt that got no response; `written` as in `ReplySink.onFailure`. */
export function endingOfFailure({ code, reason, details }: ManagerError, written: boolean): Ending {
  if (reason === rateLimitedReason) return "rate_limited";
  if (ownReasons.has(reason)) return written ? "cancelled" : "withdrawn";
  if (code === "failed_precondition" || code === "invalid_argument") return "client_fault";
  const { status } = details;
  if (typeof status === "number" && status >= 500) return "bad_gateway";
  if (typeof status === "number" && status >= 400) return "client_fault";
  if (!written) return "unsent";
  return code === "deadline_exceeded" ? "timeout" : "broken";
}

/** After these nobody knows whether the call was carried out. */
const unknownEndings: ReadonlySet<Ending> = new Set(["broken", "timeout", "bad_gateway", "cancelled"]);

/** The failure as its caller is to hear it: what may have been carried out is not to be repeated blindly, and says so. */
export function failureFor(error: ManagerError, ending: Ending, method: string): ManagerError {
  if (!error.retryable || !unknownEndings.has(ending) || isIdempotent(method)) return error;
  const { code, message, server, reason, retryAfterMs, details } = error;
  return new ManagerError(code, `${message}; whether the call was carried out is not known`, {
    ...(server === undefined ? {} : { server }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    reason,
    details,
    retryable: false,
    cause: error,
  });
}

/** A request that nobody wants an answer to any more. */
export function takenBack(server: string, method: string): ManagerError {
  return new ManagerError("cancelled", `${method} of server "${server}" was taken back by its caller`, { server });
}

/** A request that got no answer within its time. */
export function timedOut(server: string, method: string, timeoutMs: number): ManagerError {
  return new ManagerError("deadline_exceeded", `server "${server}" did not answer ${method} within ${timeoutMs} ms`, {
    server,
    reason: "CALL_TIMEOUT",
  });
}
