/** Headers that repeat arguments of a call: they go along, agree with the arguments, and follow the server's list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { peerOf, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

test("G4 parameters in headers go with the call", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {
    era: "modern",
    script: { "tools/call": (call) => call.result({ resultType: "complete" }) },
  });
  const headers = { "Mcp-Param-Region": "eu" };
  await new Peer(gateway.url).modern("tools/call", { name: "weather__a" }, { headers });
  assert.deepEqual(
    weather.calls("tools/call")[0]?.paramHeaders.map((text) => text.toLowerCase()),
    ["mcp-param-region", "eu"],
  );
});

test("G5 a server that refuses the headers of a call gets it once more, by its list as it is then", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  let header = "Old";
  const region = (): object => ({ type: "string", "x-mcp-header": header });
  const weather = gateway.serve("weather", {
    era: "modern",
    script: {
      "tools/list": (call) =>
        call.result({
          resultType: "complete",
          ttlMs: 60_000,
          cacheScope: "public",
          tools: [{ name: "a", inputSchema: { type: "object", properties: { region: region() } } }],
        }),
      "tools/call": (call) =>
        call.paramHeaders[0] === "Mcp-Param-New"
          ? call.result({ resultType: "complete", n: 1 })
          : call.error(-32020, "Header mismatch: Mcp-Param-New is missing"),
    },
  });
  const peer = await peerOf("legacy", gateway);
  await peer.legacy("tools/list");
  header = "New";
  await gateway.time.advance(2_000);
  const params = { name: "weather__a", arguments: { region: "eu" } };
  const again = await peer.legacy("tools/call", params);
  assert.deepEqual(again.body?.result, { n: 1 }, again.text);
  assert.deepEqual(
    weather.calls("tools/call").map(({ paramHeaders }) => paramHeaders),
    [
      ["Mcp-Param-Old", "eu"],
      ["Mcp-Param-New", "eu"],
    ],
  );
});

test("G4 a header that says something else than the argument it repeats is refused without contact", async () => {
  await using gateway = await TestGateway.open();
  const properties = { region: { type: "string", "x-mcp-header": "Region" } };
  const tools = [{ name: "a", inputSchema: { type: "object", properties } }];
  const weather = gateway.serve("weather", {
    era: "modern",
    script: {
      "tools/list": (call) => call.result({ resultType: "complete", ttlMs: 1, cacheScope: "public", tools }),
      "tools/call": (call) => call.result({ resultType: "complete", headers: call.paramHeaders }),
    },
  });
  const peer = new Peer(gateway.url);
  await peer.modern("tools/list");
  const params = { name: "weather__a", arguments: { region: "zürich" } };
  for (const headers of [{}, { "mcp-param-region": "eu" }, { "mcp-param-region": "=?base64?eu?=" }]) {
    const { status, body } = await peer.modern("tools/call", params, { headers, id: "h" });
    assert.deepEqual([status, body?.error?.code, body?.id], [400, -32020, "h"]);
  }
  assert.equal(weather.calls("tools/call").length, 0);
  const headers = { "mcp-param-region": "=?base64?esO8cmljaA==?=", "Mcp-Param-Other": "kept" };
  const { body } = await peer.modern("tools/call", params, { headers });
  const sent = new Map(pairs(body?.result?.["headers"] as readonly string[]));
  assert.deepEqual(
    sent,
    new Map([
      ["mcp-param-region", "=?base64?esO8cmljaA==?="],
      ["mcp-param-other", "kept"],
    ]),
  );
});

function pairs(list: readonly string[]): [string, string][] {
  return list.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), list[i + 1] ?? ""] as [string, string]] : []));
}
