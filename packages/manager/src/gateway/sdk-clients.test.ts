/** The official SDKs' clients, of either version and era, through the gateway to servers of either era. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Received, Script } from "./testing/scripted-connection.ts";
import { serverResource, TestGateway } from "./testing/gateway.ts";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const requestInit = { headers: { authorization: "Bearer ada" } };
const clientInfo = { name: "test", version: "1" };

function script(complete: Readonly<Record<string, unknown>>): Script {
  return {
    "tools/list": (call: Received) =>
      call.result({ ...complete, tools: [{ name: "echo", inputSchema: { type: "object" } }] }),
    "tools/call": (call: Received) => {
      call.notify("notifications/progress", { progress: 1, total: 2 });
      const text = JSON.stringify(call.message.params?.["arguments"]);
      call.result({ ...complete, content: [{ type: "text", text }] });
    },
  };
}

/** One server of each era. */
async function openGateway(): Promise<TestGateway> {
  const gateway = await TestGateway.open();
  gateway.serve("old", { script: script({}) });
  gateway.serve("new", {
    era: "modern",
    script: script({ resultType: "complete", ttlMs: 1_000, cacheScope: "public" }),
  });
  return gateway;
}

test("version 1 of the SDK connects, lists, calls with progress and closes", async () => {
  await using gateway = await openGateway();
  const client = new LegacyClient(clientInfo);
  const transport = new LegacyHttp(new URL(`${gateway.url}/mcp`), { requestInit });
  await client.connect(transport);
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map((tool) => tool.name),
    ["new__echo", "old__echo"],
  );
  for (const { name } of tools) {
    const progress: number[] = [];
    const onprogress = (update: { progress: number }): void => void progress.push(update.progress);
    const result = await client.callTool({ name, arguments: { a: 1 } }, undefined, { onprogress });
    assert.deepEqual(result["content"], [{ type: "text", text: '{"a":1}' }]);
    assert.deepEqual(progress, [1]);
  }
  assert.equal(gateway.sessions.count, 1);
  await transport.terminateSession();
  assert.equal(gateway.sessions.count, 0);
  await client.close();
});

for (const mode of ["auto", "legacy"] as const) {
  test(`G1 version 2 of the SDK in mode ${mode} connects, lists and calls`, async () => {
    await using gateway = await openGateway();
    const client = new Client(clientInfo, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit }));
    assert.equal(client.getProtocolEra(), mode === "auto" ? "modern" : "legacy");
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map((tool) => tool.name),
      ["new__echo", "old__echo"],
    );
    for (const { name } of tools) {
      const result = await client.callTool({ name, arguments: { a: 1 } });
      assert.deepEqual(result.content, [{ type: "text", text: '{"a":1}' }]);
    }
    assert.equal(gateway.sessions.count, mode === "auto" ? 0 : 1);
    await client.close();
  });
}

test("G7 version 2 of the SDK stays modern across the time before the first replica", async () => {
  await using gateway = await TestGateway.open({ introductionWaitMs: 10 });
  gateway.register(serverResource("new", {}, "starting"));
  const url = new URL(`${gateway.url}/servers/new/mcp`);
  const connect = async (): Promise<InstanceType<typeof Client>> => {
    const client = new Client(clientInfo, { versionNegotiation: { mode: "auto" } });
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
    return client;
  };
  await assert.rejects(connect());
  assert.equal(gateway.sessions.count, 0, "the client fell back to the legacy era");
  gateway.attach("new", { era: "modern", script: script({ resultType: "complete" }) });
  const client = await connect();
  assert.equal(client.getProtocolEra(), "modern");
  await client.close();
});

test("G7 version 2 of the SDK, in the middle of its work or just coming, stays modern across a brown-out", async () => {
  await using gateway = await TestGateway.open();
  const connection = gateway.serve("new", { era: "modern", script: script({ resultType: "complete" }) });
  const statuses: string[] = [];
  const fetchNoted: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    statuses.push(`${response.status} ${response.headers.get("retry-after") ?? "-"}`);
    return response;
  };
  const connect = async (path: string): Promise<InstanceType<typeof Client>> => {
    const client = new Client(clientInfo, { versionNegotiation: { mode: "auto" } });
    const url = new URL(gateway.url + path);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit, fetch: fetchNoted }));
    return client;
  };
  const paths = ["/mcp", "/servers/new/mcp"];
  const working = await Promise.all(paths.map(connect));
  gateway.upstreams.detach("new", "new-1-a");
  statuses.length = 0;
  const calls = [{ name: "new__echo" }, { name: "echo" }];
  for (const [i, client] of working.entries()) await assert.rejects(client.callTool(calls[i] ?? { name: "" }));
  assert.deepEqual(statuses, ["503 1", "503 1"]);
  const coming = await Promise.all(paths.map(connect));
  gateway.upstreams.attach({ name: "new-1-b", server: "new", revision: "new-1", connection });
  for (const [i, client] of [...working, ...coming].entries()) {
    const { content } = await client.callTool({ ...(calls[i % 2] ?? { name: "" }), arguments: { i } });
    assert.deepEqual(content, [{ type: "text", text: `{"i":${i}}` }]);
    assert.equal(client.getProtocolEra(), "modern");
    await client.close();
  }
  assert.equal(gateway.sessions.count, 0);
});
