/**
 * A ManagerError as the REST door shows it (RFC 9457, `application/problem+json`), and back again in a client. The same words
 * in both directions; what is not a problem document becomes an error that says what came instead.
 */
import { ManagerError, errorCodes } from "./error.ts";
import type { ErrorCode, FieldError, ManagerErrorOptions } from "./error.ts";

/** The media type of problem documents. */
export const problemType = "application/problem+json";

/** RFC 9457 with our members. Source: resources.md, "Errors". */
export interface Problem {
  /** A URI reference that names the kind of problem. */
  readonly type: string;
  /** The code in words. */
  readonly title: string;
  readonly status: number;
  /** What happened, to which thing, and what to do. */
  readonly detail: string;
  readonly code: ErrorCode;
  /** Finer than the code: `INVALID_FIELDS`. */
  readonly reason: string;
  /** The path that was asked for. */
  readonly instance?: string;
  /** The server it happened to. */
  readonly server?: string;
  readonly retryAfterMs?: number;
  /** Only where it is not what the table says of the code: false when the request may have been carried out all the same. */
  readonly retryable?: boolean;
  readonly errors?: readonly FieldError[];
  /** The resource as it is now, with a 412. */
  readonly current?: unknown;
}

/** How a problem is shown: where, and with which status if not the code's own (412 under `If-Match`). */
export interface ProblemOptions {
  readonly instance?: string;
  readonly status?: number;
}

/** The document for an error. An `internal` one keeps its message to itself: it may hold anything. */
export function toProblem(error: ManagerError, options: ProblemOptions = {}): Problem {
  const isOurs = error.code === "internal" && error.reason === "INTERNAL";
  return {
    type: `urn:mcp-manager:error:${error.code}`,
    title: error.code.replaceAll("_", " "),
    status: options.status ?? errorCodes[error.code].http,
    detail: isOurs ? "the manager failed; its log says why" : error.message,
    code: error.code,
    reason: error.reason,
    ...(options.instance === undefined ? {} : { instance: options.instance }),
    ...(error.server === undefined ? {} : { server: error.server }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.retryable === errorCodes[error.code].retryable ? {} : { retryable: error.retryable }),
    ...(error.fields.length === 0 ? {} : { errors: error.fields }),
    ...(error.details["current"] === undefined ? {} : { current: error.details["current"] }),
  };
}

/**
 * The error that an answer with `status` and this body stands for. `retryAfterMs` is what the header `Retry-After` said, for a body that
 * does not say it. Never throws.
 */
export function fromProblem(status: number, body: unknown, retryAfterMs?: number): ManagerError {
  const said = retryAfterMs === undefined ? {} : { retryAfterMs };
  const problem = typeof body === "object" && body !== null ? { ...said, ...body } : said;
  const { code, detail } = problem as Readonly<Record<string, unknown>>;
  if (typeof code !== "string" || !Object.hasOwn(errorCodes, code) || typeof detail !== "string") {
    return new ManagerError(
      codeOfStatus(status),
      `the answer was HTTP ${status}, and not from MCP Manager: check the URL`,
      said,
    );
  }
  return new ManagerError(code as ErrorCode, detail, optionsOf(problem));
}

function optionsOf(problem: object): ManagerErrorOptions {
  const { reason, retryAfterMs, retryable, server, errors, current } = problem as Partial<Problem>;
  return {
    ...(typeof reason === "string" ? { reason } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
    ...(typeof retryable === "boolean" ? { retryable } : {}),
    ...(typeof server === "string" ? { server } : {}),
    ...(Array.isArray(errors) ? { fields: errors as readonly FieldError[] } : {}),
    ...(current === undefined ? {} : { details: { current } }),
  };
}

function codeOfStatus(status: number): ErrorCode {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  return codes.find((code) => errorCodes[code].http === status) ?? (status >= 500 ? "unavailable" : "protocol_error");
}
