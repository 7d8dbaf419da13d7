/**
 * The one error of the project, and the one table from its codes to what each door shows (HTTP, gRPC, JSON-RPC, exit status).
 * A message names what happened, to which thing, and what to do; it never holds a secret.
 */

/** What kind of failure it was. Closed: clients switch over it. */
export type ErrorCode =
  | "invalid_argument"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  | "already_exists"
  | "conflict"
  | "failed_precondition"
  | "resource_exhausted"
  | "cancelled"
  | "internal"
  | "protocol_error"
  | "unavailable"
  | "circuit_open"
  | "deadline_exceeded";

interface CodeMapping {
  /** HTTP status of the REST door, and the JSON-RPC error code on MCP endpoints. */
  readonly http: number;
  /** gRPC status (google.rpc.Code). */
  readonly grpc: number;
  /** Exit status of the command line. */
  readonly exit: 1 | 2;
  /** Whether the same request may succeed later without anybody changing anything. */
  readonly retryable: boolean;
}

/** Every code with what each door makes of it. Typed as a Record, so that a new code does not compile without its row. */
export const errorCodes: Readonly<Record<ErrorCode, CodeMapping>> = {
  invalid_argument: { http: 400, grpc: 3, exit: 2, retryable: false },
  unauthenticated: { http: 401, grpc: 16, exit: 1, retryable: false },
  permission_denied: { http: 403, grpc: 7, exit: 1, retryable: false },
  not_found: { http: 404, grpc: 5, exit: 1, retryable: false },
  already_exists: { http: 409, grpc: 6, exit: 1, retryable: false },
  conflict: { http: 409, grpc: 10, exit: 1, retryable: false },
  failed_precondition: { http: 409, grpc: 9, exit: 1, retryable: false },
  resource_exhausted: { http: 429, grpc: 8, exit: 1, retryable: true },
  cancelled: { http: 499, grpc: 1, exit: 1, retryable: false },
  internal: { http: 500, grpc: 13, exit: 1, retryable: false },
  protocol_error: { http: 502, grpc: 13, exit: 1, retryable: false },
  unavailable: { http: 503, grpc: 14, exit: 1, retryable: true },
  circuit_open: { http: 503, grpc: 14, exit: 1, retryable: true },
  deadline_exceeded: { http: 504, grpc: 4, exit: 1, retryable: true },
};

/** One field that was wrong: where (`spec.source.command`), what was given, what is allowed. */
export interface FieldError {
  readonly path: string;
  readonly given: string;
  readonly expected: string;
}

export interface ManagerErrorOptions {
  /** A stable constant in capitals, finer than the code: `NO_READY_REPLICA`. Default: the code in capitals. */
  readonly reason?: string;
  /** Milliseconds after which a retry makes sense. */
  readonly retryAfterMs?: number;
  /** Whether the same request may succeed later, where the code alone says too much. Default: what the table says of the code. */
  readonly retryable?: boolean;
  /** The server (or other resource) it happened to. */
  readonly server?: string;
  /** The fields that were wrong, for `invalid_argument`. */
  readonly fields?: readonly FieldError[];
  /** Facts for machines; no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class ManagerError extends Error {
  override readonly name = "ManagerError";
  readonly code: ErrorCode;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;
  readonly server: string | undefined;
  readonly fields: readonly FieldError[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ManagerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = options.reason ?? code.toUpperCase();
    this.retryAfterMs = options.retryAfterMs;
    this.retryable = options.retryable ?? errorCodes[code].retryable;
    this.server = options.server;
    this.fields = options.fields ?? [];
    this.details = options.details ?? {};
  }

  /** A ManagerError as it is; anything else becomes `internal` with the original as its cause. */
  static from(error: unknown): ManagerError {
    if (error instanceof ManagerError) return error;
    const text = error instanceof Error ? error.message : String(error);
    return new ManagerError("internal", text, { cause: error });
  }
}
