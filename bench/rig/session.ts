/** Opens what a load generator needs before its first call: legacy sessions, and one call to see that the way is open. */
import type { Target } from "./contestant.ts";

const clientInfo = { name: "bench", version: "1.0.0" };
const accept = "application/json, text/event-stream";

export const modernMeta: Readonly<Record<string, unknown>> = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": clientInfo,
  "io.modelcontextprotocol/clientCapabilities": {},
};

/**
 * Session ids for the load, `count` of them; none where the target's era, or the target, has none. `capabilities` are what the client
 * can be asked; default: nothing.
 */
export async function openSessions(target: Target, count: number, capabilities: object = {}): Promise<string[]> {
  if (target.era === "modern") return [];
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const params = { protocolVersion: "2025-11-25", capabilities, clientInfo };
    const response = await send(target, { jsonrpc: "2.0", id: `open-${i}`, method: "initialize", params });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${target.name} answered initialize with ${response.status}: ${text.slice(0, 500)}`);
    const id = response.headers.get("mcp-session-id");
    if (id === null) return [];
    await (await send(target, { jsonrpc: "2.0", method: "notifications/initialized" }, id)).text();
    ids.push(id);
  }
  return ids;
}

/** One call, so that a wrong set-up is told in its own words and not as a sea of failed requests. */
export async function tryCall(target: Target, session: string | undefined): Promise<void> {
  const params = {
    name: target.tool,
    arguments: { n: "try1" },
    ...(target.era === "modern" ? { _meta: modernMeta } : {}),
  };
  const response = await send(target, { jsonrpc: "2.0", id: "try", method: "tools/call", params }, session);
  const text = await response.text();
  if (response.status !== 200 || !text.includes('"text":"n=try1 ')) {
    throw new Error(`${target.name} answered a call with ${response.status}: ${text.slice(0, 500)}`);
  }
}

/** A request or notification as a client of the target's era sends it. */
export function send(
  target: Pick<Target, "url" | "era" | "authorization">,
  message: {
    readonly method: string;
    readonly params?: { readonly name?: string; readonly [more: string]: unknown };
    readonly [more: string]: unknown;
  },
  session?: string,
): Promise<Response> {
  const headers: Record<string, string> = { "content-type": "application/json", accept };
  if (target.authorization !== undefined) headers["authorization"] = target.authorization;
  if (target.era === "modern") {
    headers["mcp-protocol-version"] = "2026-07-28";
    headers["mcp-method"] = message.method;
    if (message.params?.name !== undefined) headers["mcp-name"] = message.params.name;
  } else if (session !== undefined) {
    headers["mcp-session-id"] = session;
    headers["mcp-protocol-version"] = "2025-11-25";
  }
  return fetch(target.url, {
    method: "POST",
    headers,
    body: JSON.stringify(message),
    signal: AbortSignal.timeout(30_000),
  });
}
