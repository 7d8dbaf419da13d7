/**
 * The HTTP headers of the modern era that repeat parts of a request's body: their names, how values are written, and whether they
 * agree with the body. Source: specification 2026-07-28, basic/transports/streamable-http, "Request Metadata".
 */
import { isUtf8 } from "node:buffer";
import type { Envelope } from "./envelope.ts";
import { JsonRpcCode } from "./errors.ts";
import { methodInfo } from "./methods.ts";

/** Header names as Node gives them: lower case. */
export const headerNames: {
  readonly protocolVersion: "mcp-protocol-version";
  readonly method: "mcp-method";
  readonly name: "mcp-name";
} = { protocolVersion: "mcp-protocol-version", method: "mcp-method", name: "mcp-name" };

const encodedPrefix = "=?base64?";
const encodedSuffix = "?=";

/** A value as it may stand in `Mcp-Name` or `Mcp-Param-*`: itself when that is safe, else `=?base64?…?=` of its UTF-8. */
export function encodeHeaderValue(value: string): string {
  const isSafe = /^[\x20-\x7e]*$/.test(value) && value.trim() === value && !looksEncoded(value);
  return isSafe ? value : `${encodedPrefix}${Buffer.from(value).toString("base64")}${encodedSuffix}`;
}

/**
 * What a header value says; undefined when it says nothing: characters that no header may have, or something between the marks
 * that is not exactly the Base64 of UTF-8 text.
 */
export function decodeHeaderValue(value: string): string | undefined {
  if (!looksEncoded(value)) return /^[\t\x20-\x7e]*$/.test(value) ? value : undefined;
  const text = value.slice(encodedPrefix.length, -encodedSuffix.length);
  const bytes = Buffer.from(text, "base64");
  // Node's decoder skips what it does not know and stops at padding: only a value that encodes back is one.
  return value.length >= encodedPrefix.length + encodedSuffix.length &&
    bytes.toString("base64") === text &&
    isUtf8(bytes)
    ? bytes.toString()
    : undefined;
}

function looksEncoded(value: string): boolean {
  return value.startsWith(encodedPrefix) && value.endsWith(encodedSuffix);
}

/** Headers by lower-case name, as `IncomingMessage.headers` has them. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Why the headers of a modern request are refused, for HTTP status 400. */
export interface HeaderMismatch {
  readonly code: -32020;
  readonly message: string;
}

/**
 * Whether the headers of a modern request say what its body says; undefined when they do. What the body itself lacks (its protocol
 * version, the name to call) is not judged here: there is nothing to compare with.
 */
export function checkHeaders(headers: HeaderRecord, envelope: Envelope): HeaderMismatch | undefined {
  const version = envelope.text("protocolVersion");
  const nameFrom = methodInfo(envelope.method)?.headerNameFrom;
  const name = nameFrom === undefined ? undefined : envelope.text(nameFrom);
  const problem =
    (version === undefined
      ? undefined
      : compare(headers, "MCP-Protocol-Version", headerNames.protocolVersion, version)) ??
    compare(headers, "Mcp-Method", headerNames.method, envelope.method) ??
    (nameFrom === undefined ? undefined : compareName(headers, name));
  return problem === undefined
    ? undefined
    : { code: JsonRpcCode.headerMismatch, message: `Header mismatch: ${problem}` };
}

/** Whether `Mcp-Name` says what an extension has it say; undefined when it does. */
export function checkName(headers: HeaderRecord, expected: string): HeaderMismatch | undefined {
  const problem = compareName(headers, expected);
  return problem === undefined
    ? undefined
    : { code: JsonRpcCode.headerMismatch, message: `Header mismatch: ${problem}` };
}

function compare(headers: HeaderRecord, title: string, header: string, expected: string): string | undefined {
  const value = headers[header];
  if (typeof value !== "string") return `${title} is missing`;
  return value === expected ? undefined : differs(title, value, expected);
}

function compareName(headers: HeaderRecord, expected: string | undefined): string | undefined {
  const value = headers[headerNames.name];
  if (value === undefined && expected === undefined) return undefined;
  if (typeof value !== "string") return "Mcp-Name is missing";
  const name = decodeHeaderValue(value);
  if (name === undefined) return "Mcp-Name has characters that no header may have, or is not valid Base64 of UTF-8";
  if (expected === undefined) return "Mcp-Name names something, the body does not";
  return name === expected ? undefined : differs("Mcp-Name", name, expected);
}

function differs(title: string, value: string, expected: string): string {
  return `${title} header value ${quoted(value)} does not match body value ${quoted(expected)}`;
}

/** Values come from outside: shown short, control characters escaped. */
function quoted(value: string): string {
  return JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value);
}
