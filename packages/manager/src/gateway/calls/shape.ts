/**
 * What becomes of a server's whole response on its way to this client: bridged to its era, with the HTTP status that its era wants,
 * or no answer at all but something to do first. Pure.
 */
import type { ManagerError } from "@mcp-manager/api";
import { resultToLegacy, resultToModern } from "../../protocol/bridge.ts";
import type { Era } from "../../protocol/era.ts";
import { JsonRpcCode, recognisedModernError } from "../../protocol/errors.ts";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import { errorCodeOf, locateResponse } from "../../protocol/response.ts";
import { splice } from "../../protocol/splice.ts";
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
  if (outcome === "input_required" && serverEra === "modern") return { kind: "asks" };
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

/** What a server says of the hop to it is not the client's business, but for a capability that the client itself lacks. */
function otherHopError(code: number, message: Buffer, { clientEra, serverEra, id, server }: ShapeContext): Shaped {
  if (code === JsonRpcCode.headerMismatch && serverEra === "modern") return { kind: "stale-headers", code };
  if (code === JsonRpcCode.missingClientCapability && clientEra === "modern" && serverEra === "modern") {
    return { kind: "answer", message: missingCapability(id, server, message), status: 400 };
  }
  return { kind: "failure", error: otherHop(server, code) };
}

/** The response with the id of the client's present request in the place of that of the one that was sent. */
export function withId(response: Buffer, sent: Envelope, asked: Envelope): Buffer {
  const id = asked.raw("id");
  const at = sent === asked || id === undefined ? undefined : locateResponse(response);
  return at === undefined || id === undefined
    ? response
    : splice(response, [{ start: at.idStart, end: at.idEnd, bytes: id }]);
}

/** The same for the token of a progress notification; undefined when the present request wants to hear of none. */
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
