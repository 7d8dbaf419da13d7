/** Long responses: what can go out in pieces while it comes does, and what cannot is held up to a bound. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { peerOf, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

for (const [client, server] of [
  ["legacy", "modern"],
  ["modern", "legacy"],
] as const) {
  test(`a response of a ${server} server that a ${client} client cannot be given in pieces is held up to a bound`, async () => {
    await using gateway = await TestGateway.open();
    const weather = gateway.serve("weather", { era: server });
    const peer = await peerOf(client, gateway);
    const answer = peer[client]("tools/call", { name: "weather__a" }, { id: 1 });
    const call = await weather.call("tools/call");
    call.chunk('{"jsonrpc":"2.0","id":1,"result":{"resultType":"other","text":"', false);
    const piece = "x".repeat(4 * 1024 * 1024);
    for (let i = 0; i < 17; i++) call.chunk(piece, false);
    const { status, body } = await answer;
    assert.deepEqual([status, body?.error?.data?.["code"]], [502, "protocol_error"]);
    assert.match(call.cancelled ?? "", /too long/);
    assert.match(gateway.metrics.text(), /outcome="protocol_error"\} 1/);
  });
}

test("G12 a long question is sealed although its result says only at the end that it is one", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { era: "modern" });
  const peer = new Peer(gateway.url, { path: "/servers/weather/mcp" });
  const answer = peer.modern("tools/call", { name: "a" }, { id: 1 });
  const call = await weather.call("tools/call");
  const message = "x".repeat(40_000);
  call.chunk('{"jsonrpc":"2.0","id":1,"result":{"inputRequests":', false);
  call.chunk(`{"city":{"method":"elicitation/create","params":{"message":"${message}"}}}`, false);
  call.chunk(',"requestState":"s1","resultType":"input_required"}}', true);
  const { result } = (await answer).body ?? {};
  assert.equal(result?.["resultType"], "input_required");
  assert.notEqual(result?.["requestState"], "s1");
});

for (const [client, server, head, expected] of [
  [
    "legacy",
    "modern",
    '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","text":"',
    { resultType: "complete" },
  ],
  ["legacy", "modern", '{"result":{"text":"', {}],
  ["modern", "legacy", '{"jsonrpc":"2.0","id":"a","result":{"text":"', { resultType: "complete" }],
  ["modern", "legacy", '{"result":{"text":"', { resultType: "complete" }],
] as const) {
  test(`a long result of a ${server} server that begins with ${head} reaches a ${client} client while it comes`, async () => {
    await using gateway = await TestGateway.open();
    const weather = gateway.serve("weather", { era: server });
    const peer = await peerOf(client, gateway);
    const answer = peer[client]("tools/call", { name: "weather__a" }, { id: head.includes('"a"') ? "a" : 1 });
    const call = await weather.call("tools/call");
    call.chunk(head, false);
    const piece = "x".repeat(300_000);
    let pieces = 1;
    while (call.chunk(piece, false) && pieces < 100) pieces++;
    assert.ok(pieces < 100, "what is held asks nobody to wait");
    call.chunk(head.startsWith('{"result"') ? '"},"jsonrpc":"2.0","id":1}' : '"}}', true);
    assert.deepEqual((await answer).body?.result, { ...expected, text: piece.repeat(pieces) });
  });
}

test("a long resource of a legacy server has the cache hints that a modern client is owed", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = new Peer(gateway.url, { path: "/servers/weather/mcp" });
  const answer = peer.modern("resources/read", { uri: "file:///a" }, { id: 1 });
  const call = await weather.call("resources/read");
  const piece = "x".repeat(300_000);
  call.chunk(`{"jsonrpc":"2.0","id":1,"result":{"contents":[{"text":"${piece}`, false);
  call.chunk('"}]}}', true);
  const { result } = (await answer).body ?? {};
  assert.deepEqual([result?.["resultType"], result?.["ttlMs"], result?.["cacheScope"]], ["complete", 0, "private"]);
});
