/** What a server's HTTP status means to the caller of a tool when no JSON-RPC message explains it. */
import { ManagerError } from "@mcp-manager/api";
import type { HttpHeaders } from "./http-head.ts";

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

/**
 * `Retry-After` in milliseconds (RFC 9110, section 10.2.3): seconds, or a date, which is read against the answer's own `Date`, so that no
 * clock of ours has a say. Undefined where there is none that can be read.
 */
export function retryAfterMs(headers: HttpHeaders): number | undefined {
  const value = headers.get("retry-after");
  if (value === undefined) return undefined;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1_000;
  const waitMs = dateMs(value) - dateMs(headers.get("date"));
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

/** A date as HTTP writes it, `Wed, 25 Nov 2026 09:00:00 GMT`, in milliseconds; NaN for anything else. */
function dateMs(value: string | undefined): number {
  return value !== undefined && /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/.test(value)
    ? Date.parse(value)
    : Number.NaN;
}
