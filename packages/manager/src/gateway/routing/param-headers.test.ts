/** Arguments in headers: what tools may declare, and what a call then carries. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListItem } from "../../protocol/list.ts";
import { declaredHeaders, headersFor } from "../../protocol/param-headers.ts";
import { TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

function tool(inputSchema: unknown): ListItem {
  return { bytes: Buffer.from(JSON.stringify({ name: "t", inputSchema })), key: "t", keyStart: 8, keyEnd: 11 };
}

const annotated = (name: unknown, type = "string") => ({ type, "x-mcp-header": name });

test("declarations are found through properties, however deep", () => {
  const inner = { type: "object", properties: { zone: annotated("Zone", "integer") } };
  assert.deepEqual(declaredHeaders(tool({ properties: { region: annotated("Region"), at: inner } })), [
    { header: "Mcp-Param-Region", path: ["region"] },
    { header: "Mcp-Param-Zone", path: ["at", "zone"] },
  ]);
  assert.deepEqual(declaredHeaders(tool({ properties: { a: { default: { "x-mcp-header": "data" } } } })), []);
});

test("a declaration that is not allowed makes the tool one that is not shown", () => {
  const wrong: readonly unknown[] = [
    annotated("Root"),
    { properties: { a: annotated("") } },
    { properties: { a: annotated("a b") } },
    { properties: { a: annotated(1) } },
    { properties: { a: annotated("A", "number") } },
    { properties: { a: annotated("A", "object") } },
    { properties: { a: annotated("A"), b: annotated("a") } },
    { properties: { a: { items: annotated("A") } } },
    { oneOf: [{ properties: { a: annotated("A") } }] },
    { $defs: { d: { properties: { a: annotated("A") } } } },
  ];
  for (const schema of wrong) assert.equal(declaredHeaders(tool(schema)), undefined, JSON.stringify(schema));
});

test("only plain values that are there become headers, encoded where they have to be", () => {
  const declared = ["a", "b", "c", "d", "e"].map((name) => ({ header: `Mcp-Param-${name}`, path: [name] }));
  const headers = headersFor(declared, { a: "é", b: true, c: 12, d: null, e: 2 ** 60 });
  assert.deepEqual(headers, ["Mcp-Param-a", "=?base64?w6k=?=", "Mcp-Param-b", "true", "Mcp-Param-c", "12"]);
  assert.deepEqual(headersFor([{ header: "X", path: ["toString"] }], {}), []);
  assert.deepEqual(headersFor([{ header: "X", path: ["a"] }], undefined), []);
});

test("a legacy client, and the manager itself, call such a tool without knowing of it; a wrong one is not listed", async () => {
  await using gateway = await TestGateway.open();
  const right = { name: "right", inputSchema: { properties: { region: annotated("Region") } } };
  const wrong = { name: "wrong", inputSchema: { items: annotated("Region") } };
  const server = gateway.serve("s", {
    era: "modern",
    script: {
      "tools/list": (call) =>
        call.result({ resultType: "complete", ttlMs: 0, cacheScope: "public", tools: [right, wrong] }),
      "tools/call": (call) => call.result({ resultType: "complete" }),
    },
  });
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const list = await peer.legacy("tools/list");
  assert.deepEqual(list.body?.result?.["tools"], [{ ...right, name: "s__right" }]);
  await peer.legacy("tools/call", { name: "s__right", arguments: { region: "eu" } });
  await gateway.tools.call("s", "right", { region: "us" }, gateway.principal("ada", ["admin"]));
  assert.deepEqual(
    server.calls("tools/call").map((call) => call.paramHeaders),
    [
      ["Mcp-Param-Region", "eu"],
      ["Mcp-Param-Region", "us"],
    ],
  );
});
