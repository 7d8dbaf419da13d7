/** A small MCP server over Streamable HTTP, of either era, whose tool `echo` gives its arguments back byte by byte. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { randomUUID } from "node:crypto";

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  /** Headers of every request, in order. */
  readonly seen: IncomingMessage["headers"][];
  /** Methods of every message, in order. */
  readonly asked: string[];
}

const tools = [{ name: "echo", inputSchema: { type: "object" } }];
const serverInfo = { name: "e2e-http", version: "1" };

export interface HttpServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Asked for each request: an HTTP status that is all the answer; undefined answers as it should. */
  readonly refuse?: () => number | undefined;
  /** The `Retry-After` of such answers, in seconds. Default: they have none. */
  readonly retryAfter?: number;
}

export async function startHttpServer(
  era: "legacy" | "modern",
  { port = 0, refuse = () => undefined, retryAfter }: HttpServerOptions = {},
): Promise<HttpServer> {
  const seen: IncomingMessage["headers"][] = [];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      if (text !== "") asked.push(String((JSON.parse(text) as { method?: unknown }).method));
      const refused = refuse();
      if (refused !== undefined) {
        if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);
        return void response.writeHead(refused).end();
      }
      const { status, body, session } = answer(era, text);
      response.writeHead(status, {
        "content-type": "application/json",
        ...(session === undefined ? {} : { "mcp-session-id": session }),
      });
      response.end(body);
    });
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly session?: string;
}

function answer(era: "legacy" | "modern", text: string): Answer {
  if (text === "") return { status: 200 };
  const { id, method } = JSON.parse(text) as { id?: unknown; method?: string };
  if (id === undefined) return { status: 202 };
  const complete = era === "modern" ? '"resultType":"complete",' : "";
  const ok = (result: string): Answer => ({
    status: 200,
    body: `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`,
  });
  if (method === "tools/call") {
    // The arguments come last, so what stands between their name and the two closing braces is them.
    const start = text.indexOf('"arguments":') + '"arguments":'.length;
    return ok(`{${complete}"content":[],"echo":${text.slice(start, -2)}}`);
  }
  if (method === "tools/list") {
    const hints = era === "modern" ? ',"ttlMs":1000,"cacheScope":"public"' : "";
    return ok(`{${complete}"tools":${JSON.stringify(tools)}${hints}}`);
  }
  if (era === "legacy" && method === "initialize") {
    const result = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo };
    return { ...ok(JSON.stringify(result)), session: randomUUID() };
  }
  if (era === "modern" && method === "server/discover") {
    const meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
    const result = { supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, ttlMs: 0, cacheScope: "public" };
    return ok(JSON.stringify({ resultType: "complete", ...result, _meta: meta }));
  }
  const error = { code: -32601, message: "Method not found" };
  return { status: era === "modern" ? 404 : 200, body: JSON.stringify({ jsonrpc: "2.0", id, error }) };
}
