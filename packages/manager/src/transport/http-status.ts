/** What a server's HTTP status means to the caller of a tool when no JSON-RPC message explains it. */
import { ManagerError } from "@mcp-manager/api";

/** Why a server takes no calls for a while, by its own word: 429, or any refusal that says when to come again. */
export const rateLimitedReason = "UPSTREAM_RATE_LIMITED";

/** For a 429 that does not say when. */
const againAfterMs = 1_000;

/**
 * What an HTTP status without a JSON-RPC answer means to the caller; an upstream's 401 is never the caller's. The status is in
 * `details`, so that what it says of the server can be told from it.
 */
export function httpFailure(server: string, status: number, retryAfter: number | undefined): ManagerError {
  const details = { status };
  if (status === 401 || status === 403) {
    return new ManagerError(
      "unavailable",
      `server "${server}" refused the manager's credential with HTTP ${status}; set an Authorization header in spec.source.headers`,
      { server, reason: "UPSTREAM_UNAUTHORIZED", details },
    );
  }
  if (status === 429 || (status >= 500 && retryAfter !== undefined)) {
    const waitMs = retryAfter ?? againAfterMs;
    const message = `server "${server}" answered HTTP ${status}: it takes no more calls for ${waitMs} ms`;
    const reason = rateLimitedReason;
    return new ManagerError("unavailable", message, { server, reason, retryAfterMs: waitMs, details });
  }
  if (status >= 500) {
    const message = `server "${server}" answered HTTP ${status}`;
    return new ManagerError("unavailable", message, { server, reason: "UPSTREAM_HTTP_ERROR", details });
  }
  return new ManagerError("protocol_error", `server "${server}" answered HTTP ${status} without a JSON-RPC message`, {
    server,
    details,
  });
}

/** `Retry-After` in seconds, as milliseconds; its other form, a date, is not read. */
export function retryAfterMs(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined;
}
