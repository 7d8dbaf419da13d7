/**
 * The modern era's own messages (2026-07-28): what every request carries in `_meta`, and `server/discover` from either side. Its
 * twin is `legacy.ts`. Source: specification 2026-07-28, basic ("Per-request protocol fields") and server/discover.
 */
import { metaKeys } from "./envelope.ts";
import { modernVersionSpoken, modernVersions } from "./era.ts";
import { resultResponse } from "./results.ts";
import { type Implementation, self } from "./self.ts";
import { asRecord, decodeResult, implementationOf, type ServerFacts } from "./server-facts.ts";

/** `_meta` of the manager's own requests: it can be asked nothing (no client capabilities). */
export function modernMeta(clientInfo: Implementation = self): Readonly<Record<string, unknown>> {
  return {
    [metaKeys.protocolVersion]: modernVersionSpoken,
    [metaKeys.clientInfo]: clientInfo,
    [metaKeys.clientCapabilities]: {},
  };
}

/** `server/discover` as the manager sends it; `id` is its own. */
export function discoverRequest(id: number, clientInfo: Implementation = self): Buffer {
  const params = { _meta: modernMeta(clientInfo) };
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, method: "server/discover", params }));
}

const serverInfoKey = "io.modelcontextprotocol/serverInfo";

/**
 * What the answer to `server/discover` says; undefined when it is an error, when it names no version that is spoken here, or when
 * it is no such answer at all: a legacy server may answer any method with an empty result.
 */
export function parseDiscoverResult(response: Buffer): ServerFacts | undefined {
  const result = decodeResult(response);
  const supported = result?.["supportedVersions"];
  if (result === undefined || !Array.isArray(supported)) return undefined;
  const protocolVersion = modernVersions.find((version) => supported.includes(version));
  if (protocolVersion === undefined) return undefined;
  const instructions = result["instructions"];
  return {
    era: "modern",
    protocolVersion,
    serverInfo: implementationOf(asRecord(result["_meta"])?.[serverInfoKey]),
    capabilities: asRecord(result["capabilities"]) ?? {},
    instructions: typeof instructions === "string" ? instructions : undefined,
  };
}

export interface DiscoverResultOptions {
  readonly supportedVersions: readonly string[];
  readonly serverInfo: Implementation;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions?: string | undefined;
  /** How long a client may keep the answer, in milliseconds. */
  readonly ttlMs: number;
  readonly cacheScope: "public" | "private";
}

/** The gateway's answer to a client's `server/discover`. */
export function discoverResult(id: Buffer, options: DiscoverResultOptions): Buffer {
  const { supportedVersions, capabilities, serverInfo, instructions, ttlMs, cacheScope } = options;
  return resultResponse(id, {
    resultType: "complete",
    supportedVersions,
    capabilities,
    instructions,
    ttlMs,
    cacheScope,
    _meta: { [serverInfoKey]: serverInfo },
  });
}
