import assert from "node:assert/strict";
import { test } from "node:test";
import { scanEnvelope } from "./envelope.ts";
import { legacyVersions } from "./era.ts";
import {
  cancelledNotification,
  emptyResult,
  initializedNotification,
  initializeRequest,
  initializeResult,
  parseInitializeResult,
  pingResponse,
} from "./legacy.ts";
import { self } from "./self.ts";
import type { ServerFacts } from "./server-facts.ts";

function parse(result: unknown): ServerFacts | undefined {
  return parseInitializeResult(Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result })));
}

test("the manager opens a session with the newest legacy revision and what it can be asked", () => {
  assert.deepEqual(JSON.parse(initializeRequest(3, { roots: {} }).toString()), {
    jsonrpc: "2.0",
    id: 3,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: { roots: {} }, clientInfo: self },
  });
});

test("what a server says of itself is kept as it said it", () => {
  const result = {
    protocolVersion: "2025-06-18",
    capabilities: { tools: { listChanged: true }, "x/y": [1] },
    serverInfo: { name: "s", version: "2", title: "S" },
    instructions: "be kind",
  };
  assert.deepEqual(parse(result), {
    era: "legacy",
    protocolVersion: "2025-06-18",
    serverInfo: { name: "s", version: "2" },
    capabilities: result.capabilities,
    instructions: "be kind",
  });
});

test("a server that says little is still understood", () => {
  const expected = { name: "unknown", version: "unknown" };
  for (const protocolVersion of legacyVersions) {
    const facts = parse({ protocolVersion, instructions: 5, capabilities: [], serverInfo: null });
    assert.deepEqual([facts?.serverInfo, facts?.capabilities, facts?.instructions], [expected, {}, undefined]);
  }
});

test("an error, an unknown revision and what is no answer open nothing", () => {
  for (const result of [{}, [], null, { protocolVersion: "2026-07-28" }, { protocolVersion: 1 }]) {
    assert.equal(parse(result), undefined);
  }
  for (const text of ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}', "", "{"]) {
    assert.equal(parseInitializeResult(Buffer.from(text)), undefined);
  }
});

test("capabilities named __proto__ change nothing but themselves", () => {
  const text = '{"result":{"protocolVersion":"2025-11-25","capabilities":{"__proto__":{"tools":{}}}}}';
  const facts = parseInitializeResult(Buffer.from(text));
  assert.deepEqual(Object.keys(facts?.capabilities ?? {}), ["__proto__"]);
  assert.equal(facts?.capabilities["tools"], undefined);
});

test("the gateway's answer to initialize reads back", () => {
  const options = {
    protocolVersion: "2025-03-26",
    serverInfo: { name: "m", version: "1" },
    capabilities: { tools: {} },
    instructions: "x",
  };
  assert.deepEqual(parseInitializeResult(initializeResult(Buffer.from('"i"'), options)), { era: "legacy", ...options });
  const bare = initializeResult(Buffer.from("1"), { ...options, instructions: undefined });
  assert.equal(bare.includes("instructions"), false);
});

test("every message of the era is a JSON-RPC message of its kind", () => {
  const kinds: [Buffer, string, string][] = [
    [initializeRequest(1), "request", "initialize"],
    [initializedNotification(), "notification", "notifications/initialized"],
    [cancelledNotification(Buffer.from('"a"'), 'no "longer" wanted\n'), "notification", "notifications/cancelled"],
    [pingResponse(Buffer.from("2")), "response", ""],
    [emptyResult(Buffer.from('"2"')), "response", ""],
  ];
  for (const [bytes, kind, method] of kinds) {
    const scan = scanEnvelope(bytes);
    assert.ok(scan.ok);
    assert.deepEqual([scan.envelope.kind, scan.envelope.method], [kind, method]);
  }
});

test("a cancellation names the request as it was written, and why", () => {
  const scan = scanEnvelope(cancelledNotification(Buffer.from('"a\\u0062"'), 'no "longer" wanted\n'));
  assert.ok(scan.ok);
  assert.equal(scan.envelope.raw("requestId")?.toString(), '"a\\u0062"');
  assert.equal(scan.envelope.text("reason"), 'no "longer" wanted\n');
});
