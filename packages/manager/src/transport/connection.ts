/**
 * The seam of the transports: an open connection to one running MCP server. It frames, correlates, streams and cancels; it
 * gives every request an id of its own on shared channels and puts the caller's id back. It never retries, chooses or limits.
 *
 *   send ──▶ (notification | request of the server)* ──▶ response (one or more chunks, `last` on the final one)
 *        └─▶ failure            exactly one of response-with-last or failure ends an exchange; after cancel() neither comes
 *
 * A legacy server may ask its client something (sampling, elicitation, roots). Where the transport says which call a question
 * belongs to, it goes to that call; where it does not (a pipe, a stream of its own), it belongs to the only call in flight, and to
 * nobody when there are several. Who wants questions therefore has the connection to itself for the length of a call.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Envelope } from "../protocol/envelope.ts";
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
  /** Who asks, where several share the connection: what names no call must not reach another. Undefined: nobody in particular. */
  readonly principal?: string | undefined;
}

/** Hears what comes back for one request. Calls come in order and never after the end. */
export interface ReplySink {
  /**
   * A notification that belongs to this request, one whole message: progress with the caller's token, a log message, the end of an
   * elicitation in URL mode, the withdrawal of a question (`notifications/cancelled` with the question's id). For
   * `subscriptions/listen` everything that its subscription tells, with the caller's own id as subscription id;
   * `notifications/cancelled` says that the server has ended it: then cancel.
   */
  onNotification(message: Buffer, method: string): void;
  /**
   * Legacy: the server asks something while it serves this request, one whole message with the server's own id. The answer, a
   * response with that id, goes back through `Connection.notify`. Without this method the server is told -32601. `ping` never
   * comes here.
   */
  onRequest?(message: Envelope): void;
  /**
   * The response, with the caller's id, as one chunk or several. Of one that comes in several, while it is still on its way, this is
   * known: it begins as a result does, and the end of one whose id is not the caller's, or not its only one, never comes (`onFailure`
   * does). The rest is the server's word: that it is JSON to its end, and what of `isError`, `resultType` or a member `error` comes
   * late. A short one, and a long one in an unusual spelling, is one chunk.
   *
   * Returning false asks for a pause until `resume`; after the last
   * chunk too, where it says that its bytes still wait to be taken: a shared channel then reads no more than a bound ahead.
   */
  onResponse(chunk: Buffer, last: boolean): boolean;
  /** The request ended without a response. `written` is false when the server has certainly seen nothing of it: then it was not executed. */
  onFailure(error: ManagerError, written: boolean): void;
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
  /** A line on stdout, or an event, that was no JSON-RPC: shortened, without what drives terminals; for the log and the failure report. */
  onNoise(line: string): void;
  /** The connection goes on, but the server should be looked at: it does not read, or writes too much that is no message. */
  onUnhealthy?(reason: ManagerError): void;
  /** A message that reached nobody; for counting. */
  onDropped?(what: DroppedMessage): void;
}

/**
 * What a server can send that nobody waits for: a response to a request that has ended, to one that never was, progress without
 * its request, a log line, a question or the completion of an elicitation that could be of any of several requests, the change of a
 * resource on a connection that is one caller's, a notification of a subscription that has ended.
 */
export type DroppedMessage =
  | "late_response"
  | "unknown_response"
  | "unaddressed_progress"
  | "unaddressed_log"
  | "unaddressed_request"
  | "unaddressed_completion"
  | "unaddressed_update"
  | "unknown_subscription";

export interface Connection {
  readonly facts: ServerFacts;
  /** Requests in flight. */
  readonly inFlight: number;
  /** Messages that have come from the server so far: while this grows, it is alive. */
  readonly heard: number;
  /** Undefined while open. */
  readonly closeReason: ManagerError | undefined;
  /** Resolves when the connection is no longer usable. */
  readonly closed: Promise<ManagerError>;
  /**
   * Set by whoever told the server something that is to last. Called when the server had forgotten the session and the connection goes
   * on in a new one: what was told in the old one (subscriptions, the log level) is lost, and notifications may have been missed. Only
   * sessions over HTTP are renewed; everywhere else the connection closes.
   */
  onRenewed?: (() => void) | undefined;
  /** Never throws: what goes wrong reaches the sink, later or at once. */
  send(request: OutboundRequest, sink: ReplySink): Exchange;
  /** Sends a notification, or the response to a request of the server's; lost silently when the connection is closed. */
  notify(message: Buffer): void;
  /**
   * Takes no new requests, lets those in flight end for at most `graceMs`, ends the session upstream, closes. Subscriptions, which
   * do not end by themselves, fail at once. Asked again, the shorter grace holds.
   */
  close(graceMs: number): Promise<void>;
  /** Ends everything now; requests in flight fail with `reason`. */
  destroy(reason: ManagerError): void;
}
