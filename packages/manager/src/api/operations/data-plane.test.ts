/** What reaches into the running system goes by what runs, not by what is stored. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed } from "@mcp-manager/api";
import { systemClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { Registry } from "../../registry/registry.ts";
import { openMemoryStore } from "../../store/memory.ts";
import { dataPlaneOperations } from "./data-plane.ts";

const parts = { clock: systemClock, random: seededRandom(1) };

test("tools are listed and called while the store is away", async () => {
  const store = await openMemoryStore(parts);
  const registry = new Registry({ store, ...parts });
  await store.close();
  const { listTools, callTool, readLogs } = dataPlaneOperations({
    registry,
    authorizer: { allows: isAllowed },
    tools: {
      list: async (server) => [{ name: `${server}'s` }],
      call: async (server, tool) => Buffer.from(`${server} ${tool}`),
    },
    logs: { read: () => assert.fail("there is nothing to read") },
    live: { server: () => undefined, replica: () => undefined, events: () => [] },
    health: {
      version: "1.2.3",
      startedAt: "2027-01-01T00:00:00Z",
      store: () => "unavailable",
      overload: () => undefined,
      config: () => undefined,
    },
  });
  const asked = {
    path: { name: "weather", tool: "echo" },
    query: new Map(),
    body: undefined,
    principal: { name: "ada", roles: ["admin"] },
    signal: AbortSignal.abort(),
  } as const;
  await assert.rejects(readLogs(asked), { code: "unavailable" });
  const list = await listTools(asked);
  assert.deepEqual(list, { kind: "json", status: 200, body: { items: [{ name: "weather's" }] } });
  const called = await callTool(asked);
  assert.equal(called.kind === "raw" && called.bytes.toString(), "weather echo");
});
