/** The runtime of remote servers against the contract. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RemoteSource } from "@mcp-manager/api";
import { declareRuntimeContract } from "./contract.ts";
import { createRemoteRuntime } from "./remote.ts";

const source: RemoteSource = {
  kind: "remote",
  url: "https://mcp.example.com/mcp",
  transport: "streamable-http",
  headers: { Authorization: "Bearer x" },
};

declareRuntimeContract<RemoteSource>({
  name: "remote",
  skip: undefined,
  open: () =>
    Promise.resolve({ runtime: createRemoteRuntime(), source, [Symbol.asyncDispose]: () => Promise.resolve() }),
});

test("remote: gives the place and the headers, and ends as no process does", async () => {
  const limits = { memoryBytes: 0, processesMax: 1, cpu: undefined };
  const stderr = { write: () => assert.fail("nothing writes") };
  const request = { name: "crm-1", server: "crm", source, limits, sandbox: "trusted", stderr } as const;
  const running = await createRemoteRuntime().start(request);
  assert.deepEqual(running.channel, { kind: "http", url: source.url, headers: source.headers });
  assert.deepEqual(await running.stop(), { code: undefined, signal: undefined });
});
