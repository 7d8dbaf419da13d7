/** Batches, accepted in sessions of 2025-03-26 only, each message as if it came alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "./testing/event-reader.ts";
import { TestGateway } from "./testing/gateway.ts";
import { answerOf, type JsonRpc, Peer } from "./testing/peer.ts";

interface PeerInit {
  readonly version?: string;
  readonly accept?: string;
}

async function batcher(gateway: TestGateway, init: PeerInit = {}): Promise<Peer> {
  const { version = "2025-03-26", accept = "application/json, text/event-stream" } = init;
  const peer = new Peer(gateway.url, { headers: { accept } });
  await peer.initialize(version);
  return peer;
}

function request(id: unknown, method: string, params: Readonly<Record<string, unknown>> = {}): object {
  return { jsonrpc: "2.0", id, method, params };
}

function call(id: unknown, name: string): object {
  return request(id, "tools/call", { name: `weather__${name}`, _meta: { progressToken: id } });
}

const refusedWith = /"code":-32600/;

test("G9 only sessions of 2025-03-26 take batches", async () => {
  await using gateway = await TestGateway.open();
  const text = JSON.stringify([request(1, "ping")]);
  for (const version of ["2024-11-05", "2025-06-18", "2025-11-25"]) {
    const answer = await (await batcher(gateway, { version })).post(text);
    assert.equal(answer.status, 400, version);
    assert.match(answer.body?.error?.message ?? "", /a batch is not accepted here/);
  }
  const without = await new Peer(gateway.url).post(text);
  assert.deepEqual([without.status, without.body?.error?.code], [400, -32600]);
  const peer = await batcher(gateway);
  const modern = await peer.post(text, { headers: { "mcp-protocol-version": "2026-07-28" } });
  assert.match(modern.body?.error?.message ?? "", /a batch is not accepted here/);
  const foreign = await peer.post(text, { headers: { "mcp-session-id": "nonsense" } });
  assert.equal(foreign.status, 404);
  assert.equal((await peer.post(text)).status, 200);
});

test("a batch that could not be answered whole is refused before anything of it is done", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await batcher(gateway);
  const good = call(1, "a");
  for (const [what, batch] of Object.entries({
    empty: [],
    "no message": [good, 1],
    "no method": [good, { jsonrpc: "2.0", id: 2 }],
    initialize: [good, request(2, "initialize", { protocolVersion: "2025-03-26" })],
    "modern message": [
      good,
      request(2, "tools/list", { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } }),
    ],
    "too many": Array.from({ length: 1_001 }, () => good),
  })) {
    const answer = await peer.post(JSON.stringify(batch));
    assert.equal(answer.status, 400, what);
    assert.match(answer.text, refusedWith, what);
    assert.equal(answer.text.includes('"id":null'), false, what);
  }
  assert.equal(weather.calls("tools/call").length, 0);
});

test("notifications and answers alone are taken with 202, and do what they do alone", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await batcher(gateway);
  const slow = peer.legacy("tools/call", { name: "weather__slow" }, { id: "s" });
  const received = await weather.call("tools/call");
  const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "s" } };
  const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };
  const answer = await peer.post(JSON.stringify([initialized, cancel]));
  assert.deepEqual([answer.status, answer.text], [202, ""]);
  assert.equal(received.cancelled, "the client cancelled the request");
  await slow;
  assert.equal((await peer.post(JSON.stringify([{ jsonrpc: "2.0", id: 9, result: {} }]))).status, 202);
});

test("a caller that takes events gets each answer as it comes, with what precedes it", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await batcher(gateway);
  const batch = [call(1, "a"), request("p", "ping"), call(2, "b"), request(3, "no/such")];
  const response = await peer.request("POST", JSON.stringify(batch));
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = new EventReader(response);
  const [first, second] = [await weather.call("tools/call", 1), await weather.call("tools/call", 2)];
  const next = async (): Promise<JsonRpc> => (await reader.next()) ?? {};
  const early = [await next(), await next()];
  assert.deepEqual(
    early.map(({ id }) => id),
    ["p", 3],
  );
  assert.equal(early[1]?.error?.code, -32601);
  second.notify("notifications/progress", { n: 1 });
  assert.equal((await next()).params?.["n"], 1);
  // Pieces of two responses do not mix.
  first.chunk('{"jsonrpc":"2.0","id":1,"result":{"text":"', false);
  second.result({ n: 2 });
  first.chunk('one"}}', true);
  assert.deepEqual((await next()).result, { n: 2 });
  assert.deepEqual((await next()).result, { text: "one" });
  assert.equal(await reader.next(), undefined);
});

test("a caller that takes only JSON gets one array, when all answers are there", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await batcher(gateway, { accept: "application/json" });
  const answer = peer.post(JSON.stringify([call(1, "a"), request(2, "ping"), call(3, "b")]));
  const [a, b] = [await weather.call("tools/call", 1), await weather.call("tools/call", 2)];
  a.notify("notifications/progress", { n: 1 });
  b.error(-32000, "no");
  a.result({ n: 1 });
  const { status, headers, text } = await answer;
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/json");
  const answers = JSON.parse(text) as JsonRpc[];
  assert.deepEqual(
    answers.map(({ id, result, error }) => [id, result ?? error?.code]),
    [
      [2, {}],
      [3, -32000],
      [1, { n: 1 }],
    ],
  );
  const one = await peer.post(JSON.stringify([request(7, "ping")]));
  assert.equal(one.text, '[{"jsonrpc":"2.0","id":7,"result":{}}]');
});

test("a call of a batch that is cancelled has no answer; the others have theirs", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await batcher(gateway, { accept: "application/json" });
  const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
  const answer = peer.post(JSON.stringify([call(1, "a"), call(2, "b")]));
  const second = await weather.call("tools/call", 2);
  await peer.post(JSON.stringify(cancel));
  second.result({ n: 2 });
  assert.equal((await answer).text, '[{"jsonrpc":"2.0","id":2,"result":{"n":2}}]');
});

test("the connection of a batch that is lost can be come back to", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await batcher(gateway);
  const reader = new EventReader(
    await peer.request("POST", JSON.stringify([request(0, "ping"), call(1, "a"), call(2, "b")])),
  );
  await reader.next();
  await reader.cancel();
  (await weather.call("tools/call", 1)).result({ n: 1 });
  const headers = { accept: "text/event-stream", "last-event-id": reader.lastEventId };
  const answer = peer.request("GET", undefined, { headers }).then(answerOf);
  (await weather.call("tools/call", 2)).result({ n: 2 });
  const { events, body } = await answer;
  assert.deepEqual(
    [...events, body].map((message) => message?.result),
    [{ n: 1 }, { n: 2 }],
  );
});

test("responses that are together too large for one answer are errors", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await batcher(gateway, { accept: "application/json" });
  const answer = peer.post(JSON.stringify([call(1, "a"), call(2, "b")]));
  const [a, b] = [await weather.call("tools/call", 1), await weather.call("tools/call", 2)];
  a.result({ text: "x".repeat(10 * 1024 * 1024) });
  b.result({ text: "x".repeat(10 * 1024 * 1024) });
  const [first, second] = JSON.parse((await answer).text) as JsonRpc[];
  assert.equal(first?.id, 1);
  assert.match(String(first?.result?.["text"]).slice(0, 5), /xxxxx/);
  assert.deepEqual([second?.id, second?.error?.code], [2, -32603]);
  assert.match(second?.error?.message ?? "", /send this request alone/);
});
