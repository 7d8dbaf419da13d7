/** A modern server over HTTP with nothing but a list of tools, and a word on who may keep it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface ListingServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts one that lists so many tools, for everybody or for whoever asks alone. */
export async function startListingServer(cacheScope: "public" | "private", tools: number): Promise<ListingServer> {
  const resultOf = (method: string): object | undefined => {
    const hints = { resultType: "complete", ttlMs: 60_000, cacheScope };
    if (method === "server/discover") {
      return { supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, ...hints, cacheScope: "public" };
    }
    if (method !== "tools/list") return undefined;
    const list = Array.from({ length: tools }, (_, n) => ({ name: `tool-${n}`, inputSchema: schema }));
    return { tools: list, ...hints };
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { id, method } = JSON.parse(body) as { id?: unknown; method: string };
      if (id === undefined) return response.writeHead(202).end();
      const result = resultOf(method);
      const answer = result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
      response.writeHead(result === undefined ? 404 : 200, { "content-type": "application/json" });
      return response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const schema = { type: "object" };
