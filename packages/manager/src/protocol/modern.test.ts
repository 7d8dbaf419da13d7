import assert from "node:assert/strict";
import { test } from "node:test";
import { scanEnvelope } from "./envelope.ts";
import { discoverRequest, discoverResult, modernMeta, parseDiscoverResult } from "./modern.ts";
import { responseMembers } from "./response.ts";
import type { ServerFacts } from "./server-facts.ts";

function parse(result: unknown): ServerFacts | undefined {
  return parseDiscoverResult(Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result })));
}

test("every request of the manager says its revision, its name, and that it can be asked nothing", () => {
  assert.deepEqual(modernMeta({ name: "c", version: "1" }), {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "c", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  });
  const scan = scanEnvelope(discoverRequest(1));
  assert.ok(scan.ok);
  assert.deepEqual([scan.envelope.method, scan.envelope.text("protocolVersion")], ["server/discover", "2026-07-28"]);
  assert.equal(scan.envelope.raw("clientCapabilities")?.toString(), "{}");
});

test("what a server says of itself is kept as it said it", () => {
  const result = {
    supportedVersions: ["2027-01-01", "2026-07-28"],
    capabilities: { tools: {}, extensions: { "a/b": {} } },
    instructions: "x",
    _meta: { "io.modelcontextprotocol/serverInfo": { name: "s", version: "2" } },
  };
  assert.deepEqual(parse(result), {
    era: "modern",
    protocolVersion: "2026-07-28",
    serverInfo: { name: "s", version: "2" },
    capabilities: result.capabilities,
    instructions: "x",
  });
  assert.deepEqual(parse({ supportedVersions: ["2026-07-28"] }), {
    era: "modern",
    protocolVersion: "2026-07-28",
    serverInfo: { name: "unknown", version: "unknown" },
    capabilities: {},
    instructions: undefined,
  });
});

test("a legacy server's answer, an error, and a server of other revisions are no modern server", () => {
  for (const result of [{}, null, [], { supportedVersions: "2026-07-28" }, { supportedVersions: ["2025-11-25"] }]) {
    assert.equal(parse(result), undefined);
  }
  assert.equal(parseDiscoverResult(Buffer.from('{"id":1,"error":{"code":-32601,"message":""}}')), undefined);
  assert.equal(parseDiscoverResult(Buffer.from("not json")), undefined);
});

test("the gateway's answer to discover reads back, with its type and cache hints", () => {
  const facts = { serverInfo: { name: "m", version: "1" }, capabilities: { tools: {} }, instructions: "x" };
  const bytes = discoverResult(Buffer.from('"i"'), {
    ...facts,
    supportedVersions: ["2026-07-28"],
    ttlMs: 60_000,
    cacheScope: "private",
  });
  assert.deepEqual(parseDiscoverResult(bytes), { era: "modern", protocolVersion: "2026-07-28", ...facts });
  const members = responseMembers(bytes);
  assert.deepEqual(
    [members?.text("resultType"), members?.number("ttlMs"), members?.text("cacheScope")],
    ["complete", 60_000, "private"],
  );
});
