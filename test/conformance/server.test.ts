/**
 * The official suite as client of the manager, on the fixture of either era behind either transport. Where the suite's revision and
 * the server's era are the same, everything that is required passes; across the eras, what cannot be is listed with its reason.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ManagerProcess, startManager } from "../e2e/testing/manager.ts";
import { type Era, type HttpFixture, startHttpFixture, stdioSource } from "./fixtures.ts";
import { type KeyProxy, startKeyProxy } from "./key-proxy.ts";
import { assertContent, judgeServer, type Requirements } from "./suite.ts";

const scenarios = { "2025-11-25": 30, "2026-07-28": 37 } as const;
const cells: readonly { readonly requirements: Requirements; readonly era: Era; readonly expected: string }[] = [
  { requirements: "2025-11-25", era: "legacy", expected: "none" },
  { requirements: "2026-07-28", era: "modern", expected: "none" },
  { requirements: "2026-07-28", era: "legacy", expected: "2026-07-28-on-legacy" },
  { requirements: "2025-11-25", era: "modern", expected: "none" },
];

/**
 * A call whose client can be asked has a legacy server for itself, which behind stdio is a process that has to start; the suite gives
 * such a call 600 ms, which a busy machine may need for that alone. After this one it is there.
 */
async function openBeside(url: string): Promise<void> {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
  };
  const params = { name: "test_simple_text", arguments: {}, _meta: meta };
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": params.name,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  });
  assert.match(await response.text(), /"result"/);
}

describe("the conformance suite through the manager", () => {
  const fixtures: HttpFixture[] = [];
  let manager: ManagerProcess | undefined;
  let proxy: KeyProxy | undefined;

  before(async () => {
    fixtures.push(await startHttpFixture("legacy"), await startHttpFixture("modern"));
    const [legacy, modern] = fixtures;
    const servers = {
      "legacy-http": { source: { kind: "remote", url: legacy?.url } },
      "legacy-stdio": { source: stdioSource("legacy") },
      "modern-http": { source: { kind: "remote", url: modern?.url } },
      "modern-stdio": { source: stdioSource("modern") },
    };
    manager = await startManager({ config: JSON.stringify({ servers }) });
    await manager.serversReady(...Object.keys(servers));
    proxy = await startKeyProxy(manager.url, manager.key);
  });

  after(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await manager?.[Symbol.asyncDispose]();
    for (const fixture of fixtures) await fixture[Symbol.asyncDispose]();
  });

  for (const { requirements, era, expected } of cells) {
    for (const transport of ["http", "stdio"]) {
      test(`${requirements} on a ${era} server behind ${transport}`, async () => {
        const url = `${proxy?.url}/servers/${era}-${transport}/mcp`;
        if (requirements === "2026-07-28" && era === "legacy") await openBeside(url);
        assertContent(await judgeServer(url, requirements, expected), scenarios[requirements]);
      });
    }
  }
});
