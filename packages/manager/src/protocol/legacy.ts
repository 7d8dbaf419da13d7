/**
 * The legacy era's own messages (2024-11-05 … 2025-11-25): how a session is opened, kept and ended, from either side. Its twin is
 * `modern.ts`. Source: specification 2025-11-25, basic/lifecycle and basic/utilities.
 */
import { legacyVersionOffered, legacyVersions } from "./era.ts";
import { resultResponse } from "./results.ts";
import { type Implementation, self } from "./self.ts";
import { asRecord, decodeResult, implementationOf, type ServerFacts } from "./server-facts.ts";

/** `initialize` as the manager sends it; without `capabilities` it can be asked nothing. */
export function initializeRequest(id: number, capabilities: Readonly<Record<string, unknown>> = {}): Buffer {
  const params = { protocolVersion: legacyVersionOffered, capabilities, clientInfo: self };
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, method: "initialize", params }));
}

/** What the answer to `initialize` says; undefined when it is an error, malformed, or a version that is not spoken here. */
export function parseInitializeResult(response: Buffer): ServerFacts | undefined {
  const result = decodeResult(response);
  const protocolVersion = result?.["protocolVersion"];
  if (result === undefined || typeof protocolVersion !== "string" || !legacyVersions.includes(protocolVersion)) {
    return undefined;
  }
  const instructions = result["instructions"];
  return {
    era: "legacy",
    protocolVersion,
    serverInfo: implementationOf(result["serverInfo"]),
    capabilities: asRecord(result["capabilities"]) ?? {},
    instructions: typeof instructions === "string" ? instructions : undefined,
  };
}

/** The notification that ends the opening. */
export function initializedNotification(): Buffer {
  return Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}');
}

/** Gives up a request; `requestId` is its id as written. The same in the modern era, on stdio. */
export function cancelledNotification(requestId: Buffer, reason: string): Buffer {
  const head = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":';
  return Buffer.concat([Buffer.from(head), requestId, Buffer.from(`,"reason":${JSON.stringify(reason)}}}`)]);
}

/** `ping` as the manager sends it; `id` is its own. */
export function pingRequest(id: number): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
}

/** The answer to `ping`. */
export function pingResponse(id: Buffer): Buffer {
  return emptyResult(id);
}

/** The answer to a request that has nothing to say: `ping`, `logging/setLevel`. */
export function emptyResult(id: Buffer): Buffer {
  return resultResponse(id, {});
}

export interface InitializeResultOptions {
  readonly protocolVersion: string;
  readonly serverInfo: Implementation;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions?: string | undefined;
}

/** The gateway's answer to a client's `initialize`. */
export function initializeResult(id: Buffer, options: InitializeResultOptions): Buffer {
  const { protocolVersion, capabilities, serverInfo, instructions } = options;
  return resultResponse(id, { protocolVersion, capabilities, serverInfo, instructions });
}
