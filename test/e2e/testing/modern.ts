/** A client of the modern era in a few lines: each request describes itself, in its body and again in its headers. */
import type { ManagerProcess } from "./manager.ts";
import { post, send, type SendOptions, type Wire } from "./mcp.ts";

export interface ModernOptions extends SendOptions {
  readonly id?: string | number;
  readonly capabilities?: object;
  /** More of `_meta`. */
  readonly meta?: object;
}

/** A request and the headers that repeat it. */
export interface ModernRequest {
  readonly message: object;
  readonly headers: Readonly<Record<string, string>>;
}

/** Puts a request together. `params.name` or `params.uri` is repeated in `Mcp-Name` where the method wants it. */
export function modernRequest(
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  { id = 1, capabilities = {}, meta }: ModernOptions = {},
): ModernRequest {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "wire", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": capabilities,
    ...meta,
  };
  const name = method === "resources/read" ? params["uri"] : params["name"];
  return {
    message: { jsonrpc: "2.0", id, method, params: { ...params, _meta } },
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(typeof name === "string" ? { "mcp-name": name } : {}),
    },
  };
}

/** Sends a request and reads its answer to the end. */
export function sendModern(
  manager: ManagerProcess,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  options: ModernOptions = {},
): Promise<Wire> {
  const { message, headers } = modernRequest(method, params, options);
  return send(manager, message, { ...options, headers: { ...headers, ...options.headers } });
}

/** Sends a request; resolves when its answer begins. */
export function postModern(
  manager: ManagerProcess,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  options: ModernOptions = {},
): Promise<Response> {
  const { message, headers } = modernRequest(method, params, options);
  return post(manager, message, { ...options, headers: { ...headers, ...options.headers } });
}
