/**
 * JSON-RPC error codes and the error responses the manager itself writes. Errors of servers are passed on as they came and never
 * go through here.
 */
import { errorCodes, type ManagerError } from "@mcp-manager/api";

/** Codes with a meaning on the wire (JSON-RPC 2.0; specification 2026-07-28, basic, "Error Codes"). */
export const JsonRpcCode: {
  readonly parseError: -32700;
  readonly invalidRequest: -32600;
  readonly methodNotFound: -32601;
  readonly invalidParams: -32602;
  readonly internalError: -32603;
  /** Modern: a header says something else than the body. */
  readonly headerMismatch: -32020;
  /** Modern: the request lacks a client capability that it needs. */
  readonly missingClientCapability: -32021;
  /** Modern: the request's protocol version is not served. */
  readonly unsupportedProtocolVersion: -32022;
  /** Legacy only; `invalidParams` in the modern era. */
  readonly resourceNotFound: -32002;
} = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedProtocolVersion: -32022,
  resourceNotFound: -32002,
};

/** Whether an error code proves that a modern server wrote it (basic/versioning, "Backward Compatibility"). */
export function recognisedModernError(code: number): boolean {
  return (
    code === JsonRpcCode.headerMismatch ||
    code === JsonRpcCode.missingClientCapability ||
    code === JsonRpcCode.unsupportedProtocolVersion
  );
}

/** An error response. `idRaw` is the request's id as written; without it the member is left out (`null` is no id in MCP). */
export function errorResponse(idRaw: Buffer | undefined, code: number, message: string, data?: unknown): Buffer {
  const error = Buffer.from(JSON.stringify(data === undefined ? { code, message } : { code, message, data }));
  return idRaw === undefined
    ? Buffer.concat([headWithoutId, error, tail])
    : Buffer.concat([head, idRaw, middle, error, tail]);
}

const head = Buffer.from('{"jsonrpc":"2.0","id":');
const middle = Buffer.from(',"error":');
const headWithoutId = Buffer.from('{"jsonrpc":"2.0","error":');
const tail = Buffer.from("}");

/**
 * The manager's own failure as an error response: `code` is the HTTP status of the error, outside the range that JSON-RPC and
 * MCP reserve; `data` is `{code, server?, message, retryable, retryAfterMs?}`. `retryable` is false where the call may have been carried
 * out all the same.
 */
export function managerErrorResponse(idRaw: Buffer | undefined, error: ManagerError): Buffer {
  const { code, message, server, retryable, retryAfterMs } = error;
  return errorResponse(idRaw, errorCodes[code].http, message, {
    code,
    ...(server === undefined ? {} : { server }),
    message,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) }),
  });
}
