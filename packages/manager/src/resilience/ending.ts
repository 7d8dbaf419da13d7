/**
 * How attempts at a call end, told apart by what they say of the replica, the tool and the server, and whether another attempt may
 * be made. The table is normative: reliability.md §2.3, with docs/decisions/0012. Client faults never count against a server.
 */

/** How one attempt ended, or one call that made none. */
export type Ending =
  /** A result, `input_required` included; what the server says is the client's fault is `client_fault`. */
  | "answered"
  /** A result with `isError: true`: the tool's own business. */
  | "tool_error"
  /** -32600, -32601, -32602, -32002, -32020 … -32022, -32042; HTTP 400, 401, 403, 404. */
  | "client_fault"
  /** -32603, the rest of -32000 … -32019, and any other error of the server's own. */
  | "server_fault"
  /** HTTP 502, 503, 504 and other 5xx without `Retry-After`. */
  | "bad_gateway"
  /** HTTP 429, or anything with `Retry-After`. */
  | "rate_limited"
  /** No answer within our deadline. */
  | "timeout"
  /** The connection or process ended before a byte of the request was written: it was certainly not executed. */
  | "unsent"
  /** The connection or process ended, or sent what is no message, after bytes were written. */
  | "broken"
  /** The manager itself had no connection for it, or took the one away: it was certainly not executed, and it is nobody's fault. */
  | "withdrawn"
  /** The client gave up. Says nothing of anybody. */
  | "cancelled";

/** What an ending means for one of those who keep count. `tool-timeout`: a failure if two tools or more time out on it. */
export type Mark = "none" | "success" | "failure" | "tool-timeout";

/** When an attempt may be followed by another, on another replica. */
export type RetryRule = "never" | "always" | "if-idempotent";

export interface EndingRow {
  readonly replica: Mark;
  readonly tool: Mark;
  readonly server: Mark;
  /** Whether it is a failure of the transport: five in a row open the server's breaker. */
  readonly isTransport: boolean;
  readonly retry: RetryRule;
}

/** What each ending means. */
export const endings: Readonly<Record<Ending, EndingRow>> = {
  answered: { replica: "success", tool: "success", server: "success", isTransport: false, retry: "never" },
  tool_error: { replica: "success", tool: "success", server: "success", isTransport: false, retry: "never" },
  client_fault: { replica: "success", tool: "none", server: "none", isTransport: false, retry: "never" },
  server_fault: { replica: "success", tool: "failure", server: "none", isTransport: false, retry: "if-idempotent" },
  bad_gateway: { replica: "failure", tool: "failure", server: "failure", isTransport: false, retry: "if-idempotent" },
  rate_limited: { replica: "none", tool: "none", server: "none", isTransport: false, retry: "never" },
  timeout: { replica: "tool-timeout", tool: "failure", server: "none", isTransport: false, retry: "if-idempotent" },
  unsent: { replica: "failure", tool: "none", server: "failure", isTransport: true, retry: "always" },
  broken: { replica: "failure", tool: "none", server: "failure", isTransport: true, retry: "if-idempotent" },
  withdrawn: { replica: "none", tool: "none", server: "none", isTransport: false, retry: "always" },
  cancelled: { replica: "none", tool: "none", server: "none", isTransport: false, retry: "never" },
};
