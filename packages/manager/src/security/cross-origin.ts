/**
 * What a browser has to hear before a page of another origin may call and read the answers (CORS; Fetch standard, "HTTP CORS protocol").
 * Whether a page may call at all is decided by `host-origin.ts`; whoever is refused there hears nothing of this. No cookie is involved:
 * a page that calls has a key, so credentials are never allowed.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

/** Headers of answers that pages may read; a browser hides all others from them. */
const exposed = [
  "Allow",
  "ETag",
  "Mcp-Manager-Deployment",
  "Mcp-Manager-Revision",
  "Mcp-Protocol-Version",
  "Mcp-Session-Id",
  "Retry-After",
  "WWW-Authenticate",
].join(", ");

/** Headers that pages may send, beside those that any page may; arguments of tools come in `Mcp-Param-*` of any name. */
const taken = /^(?:accept|authorization|content-type|if-match|last-event-id|mcp-[a-z0-9-]{1,80})$/;

/** Seconds for which a browser need not ask again. */
const rememberedSeconds = 600;

/** Lets pages of `origin`, which has been found to be allowed, read the answer that follows, whoever gives it. */
export function allowReading(response: Pick<ServerResponse, "setHeader">, origin: string): void {
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", exposed);
  response.setHeader("vary", "Origin");
}

/** Whether a browser only asks whether a page may send something. Such a question carries no credential and is not the request itself. */
export function isPreflight({ method, headers }: Pick<IncomingMessage, "method" | "headers">): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

/** The answer to it, for an allowed origin and beside `allowReading`: of the headers asked for, those that are taken. */
export function preflightHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const asked = headers["access-control-request-headers"] ?? "";
  const names = asked.split(",").map((name) => name.trim().toLowerCase());
  const allowed = names.filter((name) => taken.test(name));
  return {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE",
    ...(allowed.length === 0 ? {} : { "access-control-allow-headers": allowed.join(", ") }),
    "access-control-max-age": String(rememberedSeconds),
  };
}
