/** The official clients, of both generations and eras, against the published servers through the manager. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { type ManagerProcess, startManager } from "./testing/manager.ts";
import { publishedServers, quickstart } from "./testing/published.ts";

/** What both generations of the client offer, as far as these tests use it. */
interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[]; _meta?: Record<string, unknown> | undefined }>;
  listPrompts(): Promise<{ prompts: { name: string }[] }>;
  listResources(): Promise<{ resources: { uri: string }[] }>;
  listResourceTemplates(): Promise<{ resourceTemplates: { uriTemplate: string }[] }>;
  getPrompt(params: { name: string; arguments?: Record<string, string> }): Promise<{ messages: unknown[] }>;
  readResource(params: { uri: string }): Promise<{ contents: unknown[] }>;
  callTool(
    params: { name: string; arguments?: Record<string, unknown> },
    progress?: (progress: { progress: number }) => void,
    signal?: AbortSignal,
  ): Promise<{ content?: unknown; isError?: boolean | undefined }>;
  close(): Promise<void>;
  readonly protocolVersion: string | undefined;
}

type Connect = (url: string, key: string) => Promise<AnyClient>;

const slow = "everything__trigger-long-running-operation";
const info = { name: "e2e", version: "1.0.0" };

async function connectV1(url: string, key: string): Promise<AnyClient> {
  const client = new LegacyClient(info);
  const transport = new LegacyTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${key}` } } });
  await client.connect(transport);
  return {
    listTools: () => client.listTools(),
    listPrompts: () => client.listPrompts(),
    listResources: () => client.listResources(),
    listResourceTemplates: () => client.listResourceTemplates(),
    getPrompt: (params) => client.getPrompt(params),
    readResource: (params) => client.readResource(params),
    async callTool(params, onprogress, signal) {
      const { content, isError } = await client.callTool(params, undefined, {
        ...(onprogress === undefined ? {} : { onprogress }),
        ...(signal === undefined ? {} : { signal }),
      });
      return { content, isError: isError === true };
    },
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
    get protocolVersion() {
      return transport.protocolVersion;
    },
  };
}

function connectV2(mode: "legacy" | "auto"): Connect {
  return async (url, key) => {
    const client = new ModernClient(info, { versionNegotiation: { mode } });
    const transport = new ModernTransport(new URL(url), {
      requestInit: { headers: { authorization: `Bearer ${key}` } },
    });
    await client.connect(transport);
    return {
      listTools: () => client.listTools(),
      listPrompts: () => client.listPrompts(),
      listResources: () => client.listResources(),
      listResourceTemplates: () => client.listResourceTemplates(),
      getPrompt: (params) => client.getPrompt(params),
      readResource: (params) => client.readResource(params),
      callTool: (params, onprogress, signal) =>
        client.callTool(params, {
          ...(onprogress === undefined ? {} : { onprogress }),
          ...(signal === undefined ? {} : { signal }),
        }),
      close: () => client.close(),
      get protocolVersion() {
        return client.getNegotiatedProtocolVersion();
      },
    };
  };
}

const clients: readonly (readonly [string, Connect, string])[] = [
  ["SDK 1.32", connectV1, "2025-11-25"],
  ["SDK 2.4 in legacy mode", connectV2("legacy"), "2025-11-25"],
  ["SDK 2.4 in automatic mode", connectV2("auto"), "2026-07-28"],
];

let manager: ManagerProcess;

before(async () => {
  manager = await startManager({ config: quickstart });
  await manager.serversReady(...publishedServers);
});
after(() => manager[Symbol.asyncDispose]());

for (const [name, connect, version] of clients) {
  describe(name, () => {
    let client: AnyClient;
    let single: AnyClient;

    before(async () => {
      client = await connect(`${manager.url}/mcp`, manager.key);
      single = await connect(`${manager.url}/servers/everything/mcp`, manager.key);
    });
    after(async () => {
      await client.close();
      await single.close();
    });

    test(`speaks ${version} with the aggregate and with one server`, () => {
      assert.equal(client.protocolVersion, version);
      assert.equal(single.protocolVersion, version);
    });

    test("the aggregate lists the tools of all servers under prefixed names, in one order", async () => {
      const { tools, _meta } = await client.listTools();
      const names = tools.map((tool) => tool.name);
      for (const expected of ["everything__echo", "filesystem__read_text_file", "memory__read_graph"]) {
        assert.ok(names.includes(expected), expected);
      }
      assert.ok(names.every((each) => each.length <= 64 && /^(everything|filesystem|memory)__/.test(each)));
      assert.equal(_meta?.["mcp-manager/unavailable"], undefined);
      assert.deepEqual(
        (await client.listTools()).tools.map((tool) => tool.name),
        names,
      );
    });

    test("one server lists its tools under their own names", async () => {
      const names = (await single.listTools()).tools.map((tool) => tool.name);
      assert.ok(names.includes("echo"));
      assert.ok(names.every((each) => !each.includes("__")));
    });

    test("tools of each server are called", async () => {
      const echo = await client.callTool({ name: "everything__echo", arguments: { message: "héllo ✓" } });
      assert.match(JSON.stringify(echo.content), /héllo ✓/);
      const read = await client.callTool({ name: "filesystem__list_allowed_directories" });
      assert.match(JSON.stringify(read.content), /files/);
      const graph = await client.callTool({ name: "memory__read_graph" });
      assert.match(JSON.stringify(graph.content), /entities/);
      const direct = await single.callTool({ name: "echo", arguments: { message: "direct" } });
      assert.match(JSON.stringify(direct.content), /direct/);
    });

    test("a tool that fails is an answer, not an outage", async () => {
      const result = await client.callTool({ name: "filesystem__read_text_file", arguments: { path: "/nowhere" } });
      assert.equal(result.isError, true);
    });

    test("an unknown tool is an error of the call", async () => {
      await assert.rejects(client.callTool({ name: "everything__no-such-tool" }), /-32602|no-such-tool|Unknown tool/);
      await assert.rejects(client.callTool({ name: "nobody__echo" }), /-32602|Unknown tool/);
    });

    test("progress of a call reaches its caller", async () => {
      const seen: number[] = [];
      await client.callTool({ name: slow, arguments: { duration: 0.5, steps: 5 } }, ({ progress }) =>
        seen.push(progress),
      );
      assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    });

    test("G18 a call that is cancelled ends for its caller and leaves the server fit for the next", async () => {
      const cancel = new AbortController();
      const call = client.callTool(
        { name, arguments: { duration: 30, steps: 300 } },
        () => cancel.abort(),
        cancel.signal,
      );
      await assert.rejects(call);
      const next = await client.callTool({ name: "everything__echo", arguments: { message: "still here" } });
      assert.match(JSON.stringify(next.content), /still here/);
    });

    test("prompts are listed and given", async () => {
      const { prompts } = await client.listPrompts();
      assert.ok(prompts.some((prompt) => prompt.name === "everything__simple-prompt"));
      const { messages } = await client.getPrompt({ name: "everything__simple-prompt" });
      assert.ok(messages.length > 0);
      assert.ok((await single.listPrompts()).prompts.some((prompt) => prompt.name === "simple-prompt"));
    });

    test("resources and templates are listed, and read by the name they are listed under", async () => {
      const { resources } = await client.listResources();
      const listed = resources.find(({ uri }) => uri.startsWith("everything+"));
      assert.ok(listed);
      assert.ok((await client.readResource({ uri: listed.uri })).contents.length > 0);
      const { resourceTemplates } = await client.listResourceTemplates();
      assert.ok(resourceTemplates.length > 0);
      const own = (await single.listResources()).resources[0];
      assert.ok(own !== undefined && !own.uri.startsWith("everything+"));
      assert.ok((await single.readResource({ uri: own.uri })).contents.length > 0);
    });
  });
}
