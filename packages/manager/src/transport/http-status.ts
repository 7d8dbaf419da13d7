/** What a server's HTTP status means to the caller of a tool when no JSON-RPC message explains it. */
import { ManagerError } from "@mcp-manager/api";

/** What an HTTP status without a JSON-RPC answer means to the caller; an upstream's 401 is never the caller's. */
export function httpFailure(server: string, status: number, retryAfter: number | undefined): ManagerError {
  if (status === 401 || status === 403) {
    return new ManagerError(
      "unavailable",
      `server "${server}" refused the manager's credential with HTTP ${status}; set an Authorization header in spec.source.headers`,
      { server, reason: "UPSTREAM_UNAUTHORIZED" },
    );
  }
  if (status === 429 || status >= 500) {
    return new ManagerError("unavailable", `server "${server}" answered HTTP ${status}`, {
      server,
      reason: "UPSTREAM_HTTP_ERROR",
      ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
    });
  }
  return new ManagerError("protocol_error", `server "${server}" answered HTTP ${status} without a JSON-RPC message`, {
    server,
  });
}

/** `Retry-After` in seconds, as milliseconds; its other form, a date, is not read. */
export function retryAfterMs(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined;
}
