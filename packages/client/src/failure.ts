/**
 * Requests that failed: what is said to the caller, and what is known of their fate, which alone decides whether they may be sent
 * again. Failures below HTTP come out of `fetch` as it is: Node gives a cause with a code, browsers say nothing at all.
 */
import { fromProblem, ManagerError } from "@mcp-manager/api";
import type { ManagerErrorOptions } from "@mcp-manager/api";
import { isIdempotent } from "./retry.ts";
import type { Fate, Repeatable } from "./retry.ts";

/** A request that failed. */
export interface Failure {
  readonly error: ManagerError;
  readonly fate: Fate;
}

/** What was asked, and of which manager. */
export interface Asked extends Repeatable {
  readonly root: string;
  /** Below the root. */
  readonly path: string;
}

/** Why a connection did not come about, by the code that Node gives; none of these is about one that was open. */
const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: is it running?",
  ENOTFOUND: "the host name is unknown: check the URL",
  EAI_AGAIN: "the host name could not be looked up just now",
  UND_ERR_CONNECT_TIMEOUT: "the host does not answer: check the URL and what is in between",
};

/** `fetch` rejected before there was the head of an answer. */
export function failureOfFetch(asked: Asked, error: unknown): Failure {
  const cause = causeOf(error);
  if (cause === undefined) return unexplained(asked, error);
  const never = whyNever(cause);
  if (never !== undefined) return { error: noAnswer(asked, never, false, error), fate: "answered" };
  const why = whyUnreachable(cause);
  if (why !== undefined) return { error: noAnswer(asked, why, true, error), fate: "unsent" };
  return lost(asked, cause.code ?? cause.message ?? textOf(error), error);
}

/** What no other attempt would change. */
function whyNever({ code = "", message }: Cause): string | undefined {
  if (/CERT|SELF_SIGNED|VERIFY|ERR_TLS|ERR_SSL/.test(code))
    return `its certificate is not trusted here, ${code}: check the URL, or trust it`;
  // The Fetch standard, "Port blocking".
  return message === "bad port" ? "browsers and fetch ask nobody on that port: choose another" : undefined;
}

function whyUnreachable({ code = "", syscall }: Cause): string | undefined {
  return unreachable[code] ?? (syscall === "connect" ? `${code}: check the URL and what is in between` : undefined);
}

function noAnswer({ root }: Asked, why: string, retryable: boolean, cause: unknown): ManagerError {
  const options = { reason: "MANAGER_UNREACHABLE", retryable, cause };
  return new ManagerError("unavailable", `no manager answers at ${root} (${why})`, options);
}

/** The connection broke while the answer was read. */
export function failureOfReading(asked: Asked, error: unknown): Failure {
  if (error instanceof ManagerError) return { error, fate: "answered" };
  const cause = causeOf(error);
  return lost(asked, cause?.code ?? cause?.message ?? textOf(error), error);
}

/** An answer that is no success. Reads its body. */
export async function failureOfAnswer(response: Response): Promise<Failure> {
  const retryAfterMs = secondsOf(response.headers.get("retry-after"));
  const body: unknown = await response.json().catch(() => undefined);
  const error = fromProblem(response.status, body, retryAfterMs);
  return { error, fate: fateOf(response.status, error) };
}

function fateOf(status: number, { retryAfterMs, retryable }: ManagerError): Fate {
  if (status !== 429 && status !== 503) return "answered";
  return retryable && retryAfterMs !== undefined ? "refused" : "lost";
}

function lost(asked: Asked, why: string, cause: unknown): Failure {
  const message = `the connection to the manager at ${asked.root} was lost before its answer was complete (${why})`;
  return notKnown(asked, message, { reason: "MANAGER_CONNECTION_LOST", cause });
}

/** A browser gives one error for everything below HTTP, so that a page learns nothing of other sites. */
function unexplained(asked: Asked, cause: unknown): Failure {
  const message = `no answer came from ${asked.root} (${textOf(cause)}): is it running, and is the origin of this page in its allowedOrigins?`;
  return notKnown(asked, message, { reason: "MANAGER_UNREACHABLE", cause });
}

/** Without an answer: says of what is not to be repeated blindly that it may have been carried out. */
function notKnown(asked: Asked, message: string, options: ManagerErrorOptions): Failure {
  if (isIdempotent(asked)) return { error: new ManagerError("unavailable", message, options), fate: "lost" };
  const doubt = `whether ${asked.method} ${asked.path} was carried out is not known`;
  return {
    error: new ManagerError("unavailable", `${message}; ${doubt}`, { ...options, retryable: false }),
    fate: "lost",
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface Cause {
  readonly code?: string;
  readonly syscall?: string;
  readonly message?: string;
}

function causeOf(error: unknown): Cause | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === "object" && cause !== null ? cause : undefined;
}

/** `Retry-After` in seconds, as milliseconds; a date needs a clock that agrees with the server's, and is not taken. */
function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined;
}
