/** A server over the transport of 2024-11-05 (HTTP+SSE), made with the official SDK, behind the manager: clients notice nothing of it. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";
import { initialize, request } from "./testing/mcp.ts";

const info = { name: "e2e", version: "1.0.0" };

/** What the server has seen of its calls. */
const seen: string[] = [];

function makeServer(): McpServer {
  const server = new McpServer({ name: "old", version: "1.0.0" });
  server.registerTool("greet", { description: "greets" }, async ({ _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken;
    for (const progress of [1, 2, 3]) {
      if (progressToken === undefined) break;
      await sendNotification({ method: "notifications/progress", params: { progressToken, progress } });
    }
    return { content: [{ type: "text", text: "héllo" }] };
  });
  server.registerTool("wait", { description: "until it is cancelled" }, async ({ signal }) => {
    seen.push("waiting");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    seen.push("cancelled");
    return { content: [] };
  });
  return server;
}

interface OldServer extends AsyncDisposable {
  readonly url: string;
  /** Streams that are open. */
  readonly streams: ReadonlyMap<string, SSEServerTransport>;
}

async function startOldServer(): Promise<OldServer> {
  const streams = new Map<string, SSEServerTransport>();
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? "", "http://localhost");
    if (incoming.method === "GET") {
      const transport = new SSEServerTransport("/messages", response);
      streams.set(transport.sessionId, transport);
      response.on("close", () => streams.delete(transport.sessionId));
      return void makeServer().connect(transport);
    }
    const transport = streams.get(url.searchParams.get("sessionId") ?? "");
    if (transport === undefined) return void response.writeHead(404).end();
    return void transport.handlePostMessage(incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`,
    streams,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let old: OldServer;
let manager: ManagerProcess;

before(async () => {
  old = await startOldServer();
  const source = { kind: "remote", url: old.url, transport: "sse" };
  manager = await startManager({ config: JSON.stringify({ servers: { old: { source } } }) });
  await manager.serversReady("old");
});
after(async () => {
  try {
    await manager[Symbol.asyncDispose]();
    await until("no stream is open", () => Promise.resolve(old.streams.size === 0));
  } finally {
    await old[Symbol.asyncDispose]();
  }
});

test("G9 a client of the legacy era lists and calls its tools, and hears of their progress", async () => {
  const client = new Client(info);
  const headers = { authorization: `Bearer ${manager.key}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${manager.url}/servers/old/mcp`), { requestInit: { headers } }),
  );
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ["greet", "wait"],
  );
  const progress: number[] = [];
  const onprogress = (each: { progress: number }): void => void progress.push(each.progress);
  const { content } = await client.callTool({ name: "greet" }, undefined, { onprogress });
  assert.deepEqual(content, [{ type: "text", text: "héllo" }]);
  assert.deepEqual(progress, [1, 2, 3]);
  await client.close();
});

test("G9 a client of the modern era calls its tools on the aggregate", async () => {
  const client = new ModernClient(info, { versionNegotiation: { mode: "auto" } });
  const headers = { authorization: `Bearer ${manager.key}` };
  await client.connect(new ModernTransport(new URL(`${manager.url}/mcp`), { requestInit: { headers } }));
  assert.equal(client.getNegotiatedProtocolVersion(), "2026-07-28");
  const { content } = await client.callTool({ name: "old__greet", arguments: {} });
  assert.deepEqual(content, [{ type: "text", text: "héllo" }]);
  await client.close();
});

test("a call that its client cancels is cancelled at the server", async () => {
  const client = new Client(info);
  const headers = { authorization: `Bearer ${manager.key}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${manager.url}/mcp`), { requestInit: { headers } }));
  const giveUp = new AbortController();
  const call = client.callTool({ name: "old__wait" }, undefined, { signal: giveUp.signal });
  await until("the call at the server", () => Promise.resolve(seen.includes("waiting")));
  giveUp.abort();
  await assert.rejects(call);
  await until("the cancellation", () => Promise.resolve(seen.includes("cancelled")));
  await client.close();
});

test("a stream that the server ends fails the call in flight, and the server is opened again", async () => {
  seen.length = 0;
  const session = await initialize(manager);
  const call = request(manager, session, "tools/call", { name: "old__wait" });
  await until("the call at the server", () => Promise.resolve(seen.includes("waiting")));
  for (const transport of old.streams.values()) await transport.close();
  const failed = await call;
  assert.equal(failed.status, 503);
  assert.equal(failed.json().error?.data?.["code"], "unavailable");
  await until("it serves again", async () => {
    const again = await request(manager, session, "tools/call", { name: "old__greet" });
    return again.status === 200 && again.text.includes("héllo");
  });
});
