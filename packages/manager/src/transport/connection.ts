/**
 * The seam of the transports: an open connection to one running MCP server. It frames, correlates, streams and cancels; it
 * gives every request an id of its own on shared channels and puts the caller's id back. It never retries, chooses or limits.
 *
 *   send ──▶ (notification)* ──▶ response (one or more chunks, `last` on the final one)
 *        └─▶ failure            exactly one of response-with-last or failure ends an exchange; after cancel() neither comes
 */
import type { ManagerError } from "@mcp-manager/api";
import type { ServerFacts } from "../protocol/server-facts.ts";
import type { Edit } from "../protocol/splice.ts";

export type { ServerFacts } from "../protocol/server-facts.ts";

/**
 * A request on its way out: the caller's bytes as they came, and what must be different on the wire. The connection adds its
 * own edits (id, progress token) where the channel is shared and applies all of them in one splice; with none, the bytes go
 * out untouched.
 */
export interface OutboundRequest {
  /** One JSON-RPC request, whole, as the caller wrote it. */
  readonly bytes: Buffer;
  /** What routing and the bridge change (names, `_meta`): sorted by start, not overlapping, never touching id or token. */
  readonly edits: readonly Edit[];
  /** Where the id token stands in `bytes`, quotes included. */
  readonly idStart: number;
  readonly idEnd: number;
  /** Where the value of `params._meta.progressToken` stands in `bytes`, or -1. */
  readonly progressTokenStart: number;
  readonly progressTokenEnd: number;
  readonly method: string;
  /** The upstream's own name or URI, for the `Mcp-Name` header of the modern era; undefined for methods that have none. */
  readonly name: string | undefined;
  /** `Mcp-Param-*` headers to pass on, name and value in turn. */
  readonly paramHeaders: readonly string[];
}

/** Hears what comes back for one request. Calls come in order and never after the end. */
export interface ReplySink {
  /** A notification that belongs to this request (progress with the caller's token, a log message), one whole message. */
  onNotification(message: Buffer, method: string): void;
  /**
   * The response, with the caller's id, as one chunk or several. Returning false asks for a pause until `resume`; after the last
   * chunk too, where it says that its bytes still wait to be taken: a shared channel then reads no more than a bound ahead.
   */
  onResponse(chunk: Buffer, last: boolean): boolean;
  /** The request ended without a response. */
  onFailure(error: ManagerError): void;
}

/** The caller's handle on a request in flight. */
export interface Exchange {
  /** Gives up: tells the server in its era's way, frees the id, and silences the sink. Twice is once. */
  cancel(reason: string): void;
  /** Goes on reading after `onResponse` answered false. */
  resume(): void;
}

/** What comes unasked. */
export interface ConnectionEvents {
  /** A notification that belongs to no single request: `notifications/tools/list_changed`, `…/resources/updated`, a log line. */
  onNotification(message: Buffer, method: string): void;
  /** A line on stdout that was no JSON-RPC, shortened; for the failure report. */
  onNoise(line: string): void;
  /** The connection goes on, but the server should be looked at: it does not read, or writes too much that is no message. */
  onUnhealthy?(reason: ManagerError): void;
  /** A message that reached nobody; for counting. */
  onDropped?(what: DroppedMessage): void;
}

/**
 * What a server can send that nobody waits for: a response to a request that has ended, to one that never was, progress without
 * its request, a log line that could be of any of several requests.
 */
export type DroppedMessage = "late_response" | "unknown_response" | "unaddressed_progress" | "unaddressed_log";

export interface Connection {
  readonly facts: ServerFacts;
  /** Requests in flight. */
  readonly inFlight: number;
  /** Undefined while open. */
  readonly closeReason: ManagerError | undefined;
  /** Resolves when the connection is no longer usable. */
  readonly closed: Promise<ManagerError>;
  /** Never throws: what goes wrong reaches the sink, later or at once. */
  send(request: OutboundRequest, sink: ReplySink): Exchange;
  /** Sends a notification; lost silently when the connection is closed. */
  notify(message: Buffer): void;
  /**
   * Takes no new requests, lets those in flight end for at most `graceMs`, ends the session upstream, closes. Asked again, the
   * shorter grace holds.
   */
  close(graceMs: number): Promise<void>;
  /** Ends everything now; requests in flight fail with `reason`. */
  destroy(reason: ManagerError): void;
}
