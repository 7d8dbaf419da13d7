/** The official SDKs' legacy clients on streams: what they hear unasked, and how they come back to an answer they lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as ClientOne } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpOne } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { TestGateway } from "../testing/gateway.ts";

/** What the tests need of a client of either version. */
interface SdkClient {
  /** Resolves with the content. */
  callTool(name: string, onprogress: () => void): Promise<unknown>;
  close(): Promise<void>;
}

type Connect = (url: URL, fetch: typeof globalThis.fetch, onChanged: () => void) => Promise<SdkClient>;

const info = { name: "test", version: "1" };
const requestInit = { headers: { authorization: "Bearer ada" } };

const connectOne: Connect = async (url, fetch, onChanged) => {
  const onToolsChanged = { tools: { onChanged, autoRefresh: false, debounceMs: 0 } };
  const client = new ClientOne(info, { listChanged: onToolsChanged });
  await client.connect(new HttpOne(url, { requestInit, fetch }));
  return {
    callTool: async (name, onprogress) =>
      (await client.callTool({ name, arguments: {} }, undefined, { onprogress }))["content"],
    close: () => client.close(),
  };
};

const connectTwo: Connect = async (url, fetch, onChanged) => {
  const onToolsChanged = { tools: { onChanged, autoRefresh: false, debounceMs: 0 } };
  const client = new Client(info, { listChanged: onToolsChanged, versionNegotiation: { mode: "legacy" } });
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit, fetch }));
  return {
    callTool: async (name, onprogress) => (await client.callTool({ name, arguments: {} }, { onprogress })).content,
    close: () => client.close(),
  };
};

/** Fetches, and cuts the body of an answer when it is told. */
class CuttingFetch {
  readonly methods: string[] = [];
  #cut: (() => void) | undefined;

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    this.methods.push(init?.method ?? "GET");
    const response = await fetch(input, init);
    if (init?.method !== "POST" || response.headers.get("content-type") !== "text/event-stream") return response;
    const cutting = new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => {
        this.#cut = () => controller.error(new Error("the network is gone"));
      },
    });
    return new Response(response.body?.pipeThrough(cutting), response);
  };

  cut(): void {
    this.#cut?.();
  }
}

for (const [version, connect] of Object.entries({ one: connectOne, two: connectTwo })) {
  test(`version ${version} of the SDK hears what comes unasked, and gets an answer whose connection it lost`, async () => {
    await using gateway = await TestGateway.open();
    const weather = gateway.serve("weather");
    const changed = Promise.withResolvers<void>();
    const network = new CuttingFetch();
    const client = await connect(new URL(`${gateway.url}/mcp`), network.fetch, changed.resolve);
    const [session] = gateway.sessions.all();
    session?.streams.push(Buffer.from('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'));
    await changed.promise;
    let progress = 0;
    const result = client.callTool("weather__slow", () => {
      if (++progress === 1) network.cut();
    });
    const call = await weather.call("tools/call");
    call.notify("notifications/progress", { progress: 1 });
    // The client comes back after the time that it was told.
    while (network.methods.filter((method) => method === "GET").length < 2)
      await new Promise((resolve) => setTimeout(resolve, 10));
    call.notify("notifications/progress", { progress: 2 });
    call.result({ content: [{ type: "text", text: "late" }] });
    assert.deepEqual(await result, [{ type: "text", text: "late" }]);
    assert.equal(progress, 2);
    await client.close();
  });
}
