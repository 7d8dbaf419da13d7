/** The official SDKs' clients, of either version and era, through the gateway to servers of either era. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Received, Script } from "./testing/scripted-connection.ts";
import { TestGateway } from "./testing/gateway.ts";
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
  test(`version 2 of the SDK in mode ${mode} connects, lists and calls`, async () => {
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

test("version 2 of the SDK stays modern across a time without any replica", async () => {
  await using gateway = await TestGateway.open({ introductionWaitMs: 10 });
  const connection = gateway.serve("new", { era: "modern", script: script({ resultType: "complete" }) });
  gateway.upstreams.detach("new", "new-1-a");
  const url = new URL(`${gateway.url}/servers/new/mcp`);
  const connect = async (): Promise<InstanceType<typeof Client>> => {
    const client = new Client(clientInfo, { versionNegotiation: { mode: "auto" } });
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
    return client;
  };
  await assert.rejects(connect());
  assert.equal(gateway.sessions.count, 0, "the client fell back to the legacy era");
  gateway.upstreams.attach({ name: "new-1-b", server: "new", revision: "new-1", connection });
  const client = await connect();
  assert.equal(client.getProtocolEra(), "modern");
  await client.close();
});
