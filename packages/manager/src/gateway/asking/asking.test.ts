/** Servers that ask their clients for input, in all four pairs of eras. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "../testing/event-reader.ts";
import { TestGateway } from "../testing/gateway.ts";
import { type Answer, type JsonRpc, Peer, type PeerOptions } from "../testing/peer.ts";
import type { Received, Script } from "../testing/scripted-connection.ts";

const elicits = { elicitation: { form: {} } };
const question = { message: "Which city?", requestedSchema: { type: "object", properties: {} } };
const capabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

/** A legacy peer that said in `initialize` what it can be asked. */
async function asked(gateway: TestGateway, capabilities: object = elicits, options: PeerOptions = {}): Promise<Peer> {
  const peer = new Peer(gateway.url, options);
  await peer.initialize("2025-11-25", capabilities as Record<string, unknown>);
  return peer;
}

/** Begins a legacy call whose answer is read message by message. */
async function begin(peer: Peer, params: object, id: string | number = 1): Promise<EventReader> {
  return new EventReader(
    await peer.request("POST", JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params })),
  );
}

function reply(peer: Peer, { id }: JsonRpc, result: unknown): Promise<Answer> {
  return peer.post(JSON.stringify({ jsonrpc: "2.0", id, result }));
}

test("G13 a legacy server's question reaches the client that called, and its answer the server, ids apart", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await asked(gateway);
  const events = await startOf(begin(peer, { name: "weather__a" }, "c"), async () => {
    (await weather.call("tools/call")).ask("s-9", "elicitation/create", question);
  });
  const seen = await events.next();
  assert.equal(seen?.method, "elicitation/create");
  assert.deepEqual(seen.params, { ...question, _meta: { "mcp-manager/server": "weather" } });
  assert.notEqual(seen.id, "s-9");
  const answer = await reply(peer, seen, { action: "accept", content: { city: "Bern" } });
  assert.deepEqual([answer.status, answer.text], [202, ""]);
  await weather.until(() => weather.notified.length > 0);
  assert.deepEqual(weather.notified, [
    { jsonrpc: "2.0", id: "s-9", result: { action: "accept", content: { city: "Bern" } } },
  ]);
  weather.received.at(-1)?.result({ ok: 1 });
  assert.deepEqual(await events.next(), { jsonrpc: "2.0", id: "c", result: { ok: 1 } });
  assert.equal((await reply(peer, seen, {})).status, 202, "an answer that comes twice crosses nothing");
});

test("G13 a client that did not offer it is not asked: the server is told", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {
    script: {
      "tools/call": (call) => {
        call.ask(3, "sampling/createMessage", {});
        call.result({ done: true });
      },
    },
  });
  const peer = await asked(gateway);
  const answer = await peer.legacy("tools/call", { name: "weather__a" });
  assert.deepEqual(answer.body?.result, { done: true });
  assert.deepEqual(answer.events, []);
  const [told] = weather.notified as { error?: { code: number } }[];
  assert.equal(told?.error?.code, -32601);
});

test("G13 a question to one client is answered by that client alone", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["admin"]);
  const weather = gateway.serve("weather");
  const ada = await asked(gateway);
  const bob = await asked(gateway, elicits, { who: "bob" });
  const events = await startOf(begin(ada, { name: "weather__a" }), async () => {
    (await weather.call("tools/call")).ask(1, "elicitation/create", question);
  });
  const seen = (await events.next()) as JsonRpc;
  assert.equal((await reply(bob, seen, { action: "accept" })).status, 400);
  assert.deepEqual(weather.notified, []);
  assert.equal((await reply(ada, seen, { action: "decline" })).status, 202);
  await weather.until(() => weather.notified.length > 0);
  weather.received.at(-1)?.result({});
  await events.next();
});

test("a question that is withdrawn, or whose call ends, is withdrawn at the client", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await asked(gateway);
  const events = await startOf(begin(peer, { name: "weather__a" }), async () => {
    const call = await weather.call("tools/call");
    call.ask("q", "elicitation/create", question);
    call.notify("notifications/cancelled", { requestId: "q" });
    call.ask("r", "elicitation/create", question);
    call.result({});
  });
  const seen = [await events.next(), await events.next(), await events.next(), await events.next()];
  assert.deepEqual(
    seen.map((message) => message?.method),
    ["elicitation/create", "notifications/cancelled", "elicitation/create", "notifications/cancelled"],
  );
  assert.equal(seen[1]?.params?.["requestId"], seen[0]?.id);
  assert.equal(seen[3]?.params?.["requestId"], seen[2]?.id);
  assert.deepEqual((await events.next())?.result, {});
});

/** A modern server that asks in each round until it was answered, and answers with what it was told. */
function roundsOf(rounds: readonly object[]): { script: Script; calls: Received["message"][] } {
  const calls: Received["message"][] = [];
  const onCall = (call: Received): void => {
    const round = rounds[calls.length];
    calls.push(call.message);
    call.result(round ?? { resultType: "complete", content: [], told: call.message.params?.["inputResponses"] });
  };
  return { script: { "tools/call": onCall }, calls };
}

const asksCity = {
  resultType: "input_required",
  inputRequests: { city: { method: "elicitation/create", params: question } },
  requestState: "s1",
};

test("G14 a legacy client answers a modern server's questions as requests, round after round", async () => {
  await using gateway = await TestGateway.open();
  const again = { ...asksCity, requestState: "s2", inputRequests: { who: { method: "roots/list" } } };
  const { script, calls } = roundsOf([asksCity, again]);
  gateway.serve("weather", { era: "modern", script });
  const peer = await asked(gateway, { ...elicits, roots: {} });
  const events = await begin(peer, { name: "weather__a", arguments: { n: 1 } }, "c");
  const first = (await events.next()) as JsonRpc;
  assert.deepEqual([first.method, first.params?.["message"]], ["elicitation/create", "Which city?"]);
  await reply(peer, first, { action: "accept", content: { city: "Bern" } });
  const second = (await events.next()) as JsonRpc;
  assert.equal(second.method, "roots/list");
  await reply(peer, second, { roots: [] });
  assert.deepEqual(await events.next(), {
    jsonrpc: "2.0",
    id: "c",
    result: { content: [], told: { who: { roots: [] } } },
  });
  assert.deepEqual(calls[1]?.params?.["inputResponses"], { city: { action: "accept", content: { city: "Bern" } } });
  assert.deepEqual(
    calls.map(({ params }) => [params?.["requestState"], params?.["arguments"]]),
    [
      [undefined, { n: 1 }],
      ["s1", { n: 1 }],
      ["s2", { n: 1 }],
    ],
  );
  assert.equal(new Set(calls.map(({ ["id"]: id }) => id)).size, 3, "each round is a request of its own");
  const meta = calls[0]?.params?.["_meta"] as Record<string, unknown>;
  assert.deepEqual(meta[capabilitiesKey], { ...elicits, roots: {} });
});

test("a modern server that asks a legacy client for ever, for nothing, or for what it did not offer, ends the call", async () => {
  await using gateway = await TestGateway.open();
  const cases: readonly [object, RegExp][] = [
    [{ resultType: "input_required", requestState: "x" }, /9 times in one call/],
    [{ resultType: "input_required", inputRequests: {} }, /cannot be read/],
    [{ ...asksCity, inputRequests: { a: { method: "sampling/createMessage" } } }, /sampling\/createMessage/],
  ];
  for (const [index, [result, message]] of cases.entries()) {
    gateway.serve(`s${index}`, { era: "modern", script: { "tools/call": (call) => call.result(result) } });
    const peer = await asked(gateway);
    const { status, body } = await peer.legacy("tools/call", { name: `s${index}__a` });
    assert.deepEqual([status, body?.error?.code], [502, 502]);
    assert.match(body?.error?.message ?? "", message);
  }
});

test("a client that answers a modern server's question with an error ends its call with that", async () => {
  await using gateway = await TestGateway.open();
  const { script } = roundsOf([asksCity]);
  gateway.serve("weather", { era: "modern", script });
  const peer = await asked(gateway);
  const events = await begin(peer, { name: "weather__a" }, 5);
  const { id } = (await events.next()) as JsonRpc;
  await peer.post(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -1, message: "no" } }));
  const end = await events.next();
  assert.deepEqual([end?.id, end?.error?.data?.["code"]], [5, "failed_precondition"]);
});

/** A modern call, with what the client offers. */
function modern(peer: Peer, params: object, capabilities: object = elicits): Promise<Answer> {
  return peer.modern("tools/call", { name: "weather__a", ...params }, { meta: { [capabilitiesKey]: capabilities } });
}

test("G14 a modern client is asked by a legacy server in a result, and its next request goes on with the call", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = new Peer(gateway.url);
  const first = modern(peer, {});
  const call = await weather.call("tools/call");
  call.ask(7, "elicitation/create", question);
  call.ask(8, "elicitation/create", { ...question, message: "And when?" });
  const { status, body } = await first;
  const asks = body?.result as { inputRequests: Record<string, { method: string }>; requestState: string };
  assert.deepEqual([status, body?.result?.["resultType"]], [200, "input_required"]);
  const [one = "", two = ""] = Object.keys(asks.inputRequests);
  assert.equal(asks.inputRequests[one]?.method, "elicitation/create");
  // Only one is answered: the other is asked again.
  const partly = await modern(peer, {
    requestState: asks.requestState,
    inputResponses: { [one]: { action: "accept" } },
  });
  const left = partly.body?.result as typeof asks;
  assert.deepEqual(Object.keys(left.inputRequests), [two]);
  assert.deepEqual(weather.notified, [{ jsonrpc: "2.0", id: 7, result: { action: "accept" } }]);
  const last = modern(peer, { requestState: left.requestState, inputResponses: { [two]: { action: "decline" } } });
  await weather.until(() => weather.notified.length === 2);
  call.result({ content: [] });
  const end = await last;
  assert.deepEqual(end.body?.result, { content: [], resultType: "complete" });
  assert.equal(end.body?.id, 3, "the answer carries the id of the request that it answers");
  assert.equal(weather.calls("tools/call").length, 1);
  assert.match(gateway.metrics.text(), /outcome="input_required"\} 2/);
});

test("what a legacy server says while its modern client is away is kept until it comes", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = new Peer(gateway.url);
  const first = modern(peer, {});
  const call = await weather.call("tools/call");
  call.ask(7, "elicitation/create", question);
  const requestState = (await first).body?.result?.["requestState"];
  call.result({ n: 1 });
  const end = await modern(peer, { requestState, inputResponses: {} });
  assert.deepEqual(end.body?.result, { n: 1, resultType: "complete" });
});

test("G12 a state that is tampered with, foreign, used twice or of another request is refused without contact", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["admin"]);
  const { script, calls } = roundsOf([asksCity]);
  gateway.serve("weather", { era: "modern", script });
  const old = gateway.serve("old");
  const ada = new Peer(gateway.url);
  const bob = new Peer(gateway.url, { who: "bob" });
  const asks = (await modern(ada, {})).body?.result as { requestState: string; inputRequests: object };
  assert.deepEqual(asks.inputRequests, asksCity.inputRequests);
  assert.notEqual(asks.requestState, "s1");
  const { requestState } = asks;
  const bad = [
    modern(ada, { requestState: `${requestState}-TAMPERED` }),
    modern(ada, { requestState: "s1" }),
    modern(ada, { requestState: 7 }),
    modern(ada, { requestState, name: "weather__b" }),
    modern(bob, { requestState }),
  ];
  for (const answer of await Promise.all(bad)) assert.equal(answer.body?.error?.code, -32602, answer.text);
  assert.equal(calls.length, 1);
  const denied = gateway.audited.filter(({ outcome }) => outcome === "denied");
  assert.deepEqual(
    denied.map(({ who, target, reason }) => [who, target, reason]),
    [["bob", "servers/weather", "the requestState is another principal's"]],
  );
  const inputResponses = { city: { action: "accept" } };
  const end = await modern(ada, { requestState, inputResponses });
  assert.deepEqual(end.body?.result?.["told"], inputResponses);
  assert.equal(calls[1]?.params?.["requestState"], "s1");

  const parked = ada.modern("tools/call", { name: "old__a" }, { meta: { [capabilitiesKey]: elicits } });
  (await old.call("tools/call")).ask(1, "elicitation/create", question);
  const waiting = (await parked).body?.result as typeof asks;
  const [key = ""] = Object.keys(waiting.inputRequests);
  const answered = { requestState: waiting.requestState, inputResponses: { [key]: { action: "accept" } } };
  const again = (): Promise<Answer> => ada.modern("tools/call", { name: "old__a", ...answered });
  const taken = again();
  await old.until(() => old.notified.length > 0);
  assert.equal((await again()).body?.error?.code, -32602, "a call is taken up once");
  old.received.at(-1)?.result({});
  await taken;
});

test("G12 a retry reaches the revision that asked, and fails cleanly when that is gone", async () => {
  await using gateway = await TestGateway.open();
  const { script, calls } = roundsOf([
    { resultType: "input_required", inputRequests: asksCity.inputRequests },
    asksCity,
  ]);
  gateway.serve("weather", { era: "modern", script });
  const peer = new Peer(gateway.url);
  const first = await modern(peer, {});
  const requestState = first.body?.result?.["requestState"];
  assert.equal(typeof requestState, "string", "a state is added where the server gave none, to find the way back");
  const other = gateway.attach("weather", { era: "modern" }, "weather-2-a", "weather-2");
  await modern(peer, { requestState, inputResponses: { city: {} } });
  assert.equal(calls.length, 2);
  assert.equal(calls[1]?.params?.["requestState"], undefined);
  gateway.upstreams.detach("weather", "weather-1-a");
  const gone = await modern(peer, { requestState, inputResponses: { city: {} } });
  assert.deepEqual([gone.status, gone.body?.error?.data?.["code"]], [503, "unavailable"]);
  assert.deepEqual(other.calls("tools/call"), []);
});

test("G13 a modern client that did not offer what a legacy server asks for is told so with 400 and -32021", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const answer = modern(new Peer(gateway.url), {}, {});
  (await weather.call("tools/call")).ask(1, "roots/list");
  const { status, body } = await answer;
  assert.deepEqual([status, body?.error?.code], [400, -32021]);
  assert.deepEqual(body?.error?.data, { requiredCapabilities: { roots: {} } });
});

/** An answer that begins only once `then` was done. */
async function startOf<T>(begun: Promise<T>, then: () => Promise<void>): Promise<T> {
  await then();
  return begun;
}
