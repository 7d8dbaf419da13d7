/**
 * What an answer to `server/discover` says of a server's era, the same on every transport. Silence, the end of a process and HTTP
 * statuses are judged where they are seen.
 * Source: specification 2026-07-28, basic/versioning ("Backward Compatibility"): only a recognised modern error proves a modern
 * server; every other error, and every result that is no discover result, comes from a legacy one.
 */
import { modernVersionSpoken } from "../protocol/era.ts";
import { JsonRpcCode, recognisedModernError } from "../protocol/errors.ts";
import { parseDiscoverResult } from "../protocol/modern.ts";
import { errorCodeOf } from "../protocol/response.ts";
import type { ServerFacts } from "../protocol/server-facts.ts";

export type DiscoverVerdict =
  | { readonly kind: "modern"; readonly facts: ServerFacts }
  | { readonly kind: "legacy" }
  /** It refuses the version that was asked in and offers the very same one: worth asking again, once. */
  | { readonly kind: "again" }
  /** A modern server that does not let the manager in. */
  | { readonly kind: "refused"; readonly code: number };

/** Judges the message that answered `server/discover`; anything but JSON-RPC counts as legacy. */
export function judgeDiscover(message: Buffer): DiscoverVerdict {
  const facts = parseDiscoverResult(message);
  if (facts !== undefined) return { kind: "modern", facts };
  const code = errorCodeOf(message);
  if (code === undefined || !recognisedModernError(code)) return { kind: "legacy" };
  if (code !== JsonRpcCode.unsupportedProtocolVersion) return { kind: "refused", code };
  // A dual-era server may offer legacy versions only: then `initialize` is the way in.
  return message.includes(`"${modernVersionSpoken}"`) ? { kind: "again" } : { kind: "legacy" };
}
