/**
 * Which era a message belongs to, and whether it carries what that era demands: the first question about every message, before
 * its method is looked at. Pure; knows no sessions. Sources: specification 2026-07-28, basic ("Per-request protocol fields") and
 * basic/transports/streamable-http; 2025-11-25, basic/transports ("Protocol Version Header").
 */
import type { Envelope } from "../protocol/envelope.ts";
import { type Era, legacyVersions, modernVersions } from "../protocol/era.ts";
import { JsonRpcCode } from "../protocol/errors.ts";
import { checkHeaders, type HeaderRecord, headerNames } from "../protocol/headers.ts";

/** Why a message is refused, for an error with HTTP status 400. */
export interface EraRefusal {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** A message is modern when its body or its header says so; a header that names no version at all refuses it in either era. */
export function checkEra(envelope: Envelope, headers: HeaderRecord): Era | EraRefusal {
  if (envelope.has("protocolVersion")) return checkModern(envelope, headers, envelope.text("protocolVersion"));
  const era = eraOfHeader(headers);
  return era === "modern" ? checkModern(envelope, headers, undefined) : era;
}

/** The era of a request of which only the header says it: a GET, a batch. */
export function eraOfHeader(headers: HeaderRecord): Era | EraRefusal {
  const header = headers[headerNames.protocolVersion];
  if (header === undefined || legacyVersions.includes(header as string)) return "legacy";
  return modernVersions.includes(header as string) ? "modern" : unsupported(String(header));
}

/** Whether a request without a body (DELETE) comes from a client of the modern era. */
export function saysModern(headers: HeaderRecord): boolean {
  return modernVersions.includes(headers[headerNames.protocolVersion] as string);
}

function checkModern(envelope: Envelope, headers: HeaderRecord, version: string | undefined): Era | EraRefusal {
  if (envelope.kind === "response") return unaskedAnswer;
  if (envelope.kind === "notification") return "modern";
  if (version === undefined) return missing("protocolVersion", "a string");
  if (envelope.raw("clientCapabilities")?.[0] !== objectStart) return missing("clientCapabilities", "an object");
  // What else another version demands of its headers is not known here: for one that is not spoken, only it has to agree.
  if (!modernVersions.includes(version) && headers[headerNames.protocolVersion] === version)
    return unsupported(version);
  return checkHeaders(headers, envelope) ?? "modern";
}

const objectStart = 0x7b;

const unaskedAnswer: EraRefusal = {
  code: JsonRpcCode.invalidRequest,
  message: "a client of this protocol revision sends no responses",
};

function missing(field: string, what: string): EraRefusal {
  const message = `params._meta["io.modelcontextprotocol/${field}"] must be ${what}`;
  return { code: JsonRpcCode.invalidParams, message };
}

function unsupported(requested: string): EraRefusal {
  return {
    code: JsonRpcCode.unsupportedProtocolVersion,
    message: `unsupported protocol version ${JSON.stringify(requested.slice(0, 100))}`,
    data: { supported: modernVersions, requested: requested.slice(0, 100) },
  };
}
