/**
 * What becomes of a server's whole response on its way to this client: bridged to its era, with the HTTP status that its era wants,
 * or no answer at all but something to do first. Pure.
 */
import type { ManagerError } from "@mcp-manager/api";
import { beginningToModern, resultToLegacy, resultToModern } from "../../protocol/bridge.ts";
import type { Era } from "../../protocol/era.ts";
import { JsonRpcCode, recognisedModernError } from "../../protocol/errors.ts";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import { errorCodeOf, locateResponse } from "../../protocol/response.ts";
import { splice } from "../../protocol/splice.ts";
import { mayAsk } from "./call-lease.ts";
import type { CallOutcome } from "./call-metrics.ts";
import { cannotBridge, missingCapability, otherHop } from "./failure.ts";

/** What is to be done with a response. */
export type Shaped =
  | { readonly kind: "answer"; readonly message: Buffer; readonly status: number }
  | { readonly kind: "failure"; readonly error: ManagerError }
  /** A modern server asks the client for input. */
  | { readonly kind: "asks" }
  /** A modern server refused the headers that repeat arguments: they may be out of date. */
  | { readonly kind: "stale-headers"; readonly code: number };

export interface ShapeContext {
  readonly method: string;
  readonly server: string;
  /** The client's id as it wrote it. */
  readonly id: Buffer;
  readonly clientEra: Era;
  readonly serverEra: Era;
  readonly outcome: CallOutcome;
}

/** Cache hints for results of legacy servers, which give none. */
const bridgedHints = { ttlMs: 0, cacheScope: "private" } as const;

/** Judges a whole response that already carries the client's id. */
export function shapeResponse(message: Buffer, context: ShapeContext): Shaped {
  const { outcome, clientEra, serverEra, method, server } = context;
  // In answer to anything else it is an extension's own business.
  if (outcome === "input_required" && serverEra === "modern" && mayAsk(method)) return { kind: "asks" };
  const code = outcome === "protocol_error" ? errorCodeOf(message) : undefined;
  const isBetweenLegacy = clientEra === "legacy" && serverEra === "legacy";
  if (code !== undefined && recognisedModernError(code) && !isBetweenLegacy)
    return otherHopError(code, message, context);
  const status = clientEra === "modern" ? modernStatus(code) : 200;
  if (clientEra === serverEra) return { kind: "answer", message, status };
  const bridged =
    clientEra === "modern" ? resultToModern(message, method, bridgedHints) : resultToLegacy(message, method);
  if (bridged === undefined) return { kind: "failure", error: cannotBridge(server) };
  return { kind: "answer", message: bridged, status };
}

/**
 * The first piece of a long result that goes out as it comes, as a client of this era is to get it: what a modern result must have is
 * put in front. What a modern server's result has more than a legacy one stays in it, which a legacy client reads over. Undefined when
 * it has to be seen whole.
 */
export function beginningFor(first: Buffer, method: string, clientEra: Era, serverEra: Era): Buffer | undefined {
  if (clientEra === serverEra) return first;
  if (clientEra === "modern") return beginningToModern(first, method, bridgedHints);
  return first.includes('"resultType"') && !first.includes('"resultType":"complete"') ? undefined : first;
}

/** What a server says of the hop to it is not the client's business, but for a capability that the client itself lacks. */
function otherHopError(code: number, message: Buffer, { clientEra, serverEra, id, server }: ShapeContext): Shaped {
  if (code === JsonRpcCode.headerMismatch && serverEra === "modern") return { kind: "stale-headers", code };
  if (code === JsonRpcCode.missingClientCapability && clientEra === "modern" && serverEra === "modern") {
    return { kind: "answer", message: missingCapability(id, server, message), status: 400 };
  }
  return { kind: "failure", error: otherHop(server, code) };
}

/** The response under another id, as it is written; the very same where it has none. */
export function withId(response: Buffer, id: Buffer): Buffer {
  const at = locateResponse(response);
  return at === undefined ? response : splice(response, [{ start: at.idStart, end: at.idEnd, bytes: id }]);
}

/**
 * A progress notification with the token of the client's present request in the place of that of the one that was sent; undefined
 * when the present request wants to hear of none.
 */
export function withToken(message: Buffer, sent: Envelope, asked: Envelope): Buffer | undefined {
  if (sent === asked) return message;
  const token = asked.raw("progressToken");
  const scan = scanEnvelope(message);
  if (token === undefined || !scan.ok || !scan.envelope.has("paramsProgressToken")) return undefined;
  const start = scan.envelope.start("paramsProgressToken");
  return splice(message, [{ start, end: scan.envelope.end("paramsProgressToken"), bytes: token }]);
}

/** HTTP status of a JSON-RPC error in the modern era (streamable-http, "Server Validation"). */
function modernStatus(code: number | undefined): number {
  return code === JsonRpcCode.methodNotFound ? 404 : 200;
}
