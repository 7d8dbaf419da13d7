/** Questions at the edges of their calls: too early, too late, too many, unreachable clients, and calls that end while one is open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { EventReader } from "../testing/event-reader.ts";
import { TestGateway } from "../testing/gateway.ts";
import { type Answer, answerOf, type JsonRpc, Peer, type PeerOptions } from "../testing/peer.ts";
import type { Received, ScriptedConnection } from "../testing/scripted-connection.ts";

const elicits = { elicitation: { form: {} } };
const question = { message: "Which city?", requestedSchema: { type: "object", properties: {} } };
const capabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

async function asked(gateway: TestGateway, options: PeerOptions = {}): Promise<Peer> {
  const peer = new Peer(gateway.url, options);
  await peer.initialize("2025-11-25", elicits);
  return peer;
}

/** A legacy call that its server was given, and the events that answer it. */
async function begun(peer: Peer, server: ScriptedConnection, name: string): Promise<[Received, Promise<EventReader>]> {
  const nth = server.calls("tools/call").length + 1;
  const text = JSON.stringify({ jsonrpc: "2.0", id: nth, method: "tools/call", params: { name } });
  const events = peer.request("POST", text).then((response) => new EventReader(response));
  return [await server.call("tools/call", nth), events];
}

function modern(peer: Peer, params: object, capabilities: object = elicits): Promise<Answer> {
  return peer.modern("tools/call", { name: "weather__a", ...params }, { meta: { [capabilitiesKey]: capabilities } });
}

/** A modern call that waits for its client, and the state to come back with. */
async function parked(gateway: TestGateway, server: ScriptedConnection): Promise<[Peer, Received, string]> {
  const peer = new Peer(gateway.url);
  const nth = server.calls("tools/call").length + 1;
  const first = modern(peer, {});
  const call = await server.call("tools/call", nth);
  call.ask(7, "elicitation/create", question);
  return [peer, call, (await first).body?.result?.["requestState"] as string];
}

function questionsOf(gateway: TestGateway): number {
  return [...gateway.sessions.all()].reduce((sum, { questions }) => sum + questions.size, 0);
}

test("progress with a question goes to the server that asked, though another one gave its question the same token", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const time = gateway.serve("time");
  const peer = await asked(gateway);
  const withToken = { ...question, _meta: { progressToken: "t" } };
  const [one, oneEvents] = await begun(peer, weather, "weather__a");
  one.ask(1, "elicitation/create", withToken);
  const seen = (await (await oneEvents).next()) as JsonRpc;
  const [other, otherEvents] = await begun(peer, time, "time__a");
  other.ask(1, "elicitation/create", withToken);
  await (await otherEvents).next();
  const progressToken = (seen.params?.["_meta"] as JsonRpc["params"])?.["progressToken"];
  const progress = { jsonrpc: "2.0", method: "notifications/progress" };
  await peer.post(JSON.stringify({ ...progress, params: { progressToken, progress: 1 } }));
  await peer.post(JSON.stringify({ ...progress, params: { progressToken: "t", progress: 2 } }));
  assert.deepEqual(weather.notified, [{ ...progress, params: { progressToken: "t", progress: 1 } }]);
  assert.deepEqual(time.notified, []);
});

test("a server cannot ask in the name of another", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const onAggregate = await asked(gateway);
  const onOwn = await asked(gateway, { path: "/servers/weather/mcp" });
  const forged = { ...question, _meta: { a: 1, "mcp-manager\u002fserver": "bank", b: 2 } };
  for (const [peer, name] of [
    [onAggregate, "weather__a"],
    [onOwn, "a"],
  ] as const) {
    const [call, events] = await begun(peer, weather, name);
    call.ask(1, "elicitation/create", forged);
    const seen = await (await events).next();
    assert.deepEqual(seen?.params?.["_meta"], { a: 1, "mcp-manager/server": "weather", b: 2 });
  }
});

test("a client that takes no events and listens to none is not asked; one that listens is asked there", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await asked(gateway, { headers: { accept: "application/json" } });
  const first = peer.legacy("tools/call", { name: "weather__a" });
  const call = await weather.call("tools/call");
  call.notify("notifications/progress", { progress: 1 });
  call.ask(1, "elicitation/create", question);
  await weather.until(() => weather.notified.length > 0);
  assert.equal((weather.notified[0] as { error?: { code: number } }).error?.code, -32601);
  call.result({});
  await first;
  const events = new EventReader(await peer.request("GET", undefined, { headers: { accept: "text/event-stream" } }));
  const second = peer.legacy("tools/call", { name: "weather__a" });
  const again = await weather.call("tools/call", 2);
  again.ask(2, "elicitation/create", question);
  const seen = (await events.next()) as JsonRpc;
  assert.equal(seen.method, "elicitation/create", "nothing was kept of what it could not be sent");
  await peer.post(JSON.stringify({ jsonrpc: "2.0", id: seen.id, result: { action: "cancel" } }));
  await weather.until(() => weather.notified.length > 1);
  again.result({});
  await second;
  await events.cancel();
});

test("a server that asks in a call of another kind, or after its response has begun, is told that nobody can be asked", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { capabilities: { tools: {}, prompts: {}, completions: {} } });
  const peer = await asked(gateway);
  const completed = peer.legacy("completion/complete", { ref: { type: "ref/prompt", name: "weather__p" } });
  const completion = await weather.call("completion/complete");
  completion.ask(1, "elicitation/create", question);
  completion.result({ completion: { values: [] } });
  assert.deepEqual((await completed).events, []);
  const [call, events] = await begun(peer, weather, "weather__a");
  call.chunk(`{"jsonrpc":"2.0","id":${call.idText},"result":{"text":"${"x".repeat(300_000)}`, false);
  const stream = await events;
  call.ask(2, "elicitation/create", question);
  call.chunk('"}}', true);
  await stream.cancel();
  const errors = weather.notified as { id?: number; error?: { code: number } }[];
  assert.deepEqual(
    errors.map(({ id, error }) => [id, error?.code]),
    [
      [1, -32601],
      [2, -32601],
    ],
  );
  assert.equal(questionsOf(gateway), 0);
});

test("a call whose questions have no room is refused, and leaves none of them open", async () => {
  await using gateway = await TestGateway.open();
  const asks = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`q${i}`, { method: "elicitation/create", params: question }]),
  );
  gateway.serve("weather", {
    era: "modern",
    script: { "tools/call": (call) => call.result({ resultType: "input_required", inputRequests: asks }) },
  });
  const peer = await asked(gateway);
  const open = Array.from({ length: 4 }, () => peer.request("POST", callOf("weather__a")));
  await Promise.all(open);
  assert.equal(questionsOf(gateway), 240);
  const { body } = await answerOf(await peer.request("POST", callOf("weather__a")));
  assert.match(body?.error?.message ?? "", /too many open questions/);
  assert.equal(questionsOf(gateway), 240);
  await peer.request("DELETE", undefined);
  for (const response of await Promise.all(open)) await response.text();
});

function callOf(name: string): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name } });
}

test("a session that ends with a question open takes the question along, and its server knows", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await asked(gateway);
  const [call, events] = await begun(peer, weather, "weather__a");
  call.ask(1, "elicitation/create", question);
  const [session] = [...gateway.sessions.all()];
  const stream = await events;
  const seen = await stream.next();
  await peer.request("DELETE", undefined);
  assert.equal(call.cancelled, "the client ended the session");
  assert.deepEqual((await stream.next())?.params?.["requestId"], seen?.id);
  assert.equal(await stream.next(), undefined);
  assert.equal(session?.questions.size, 0);
  assert.match(gateway.metrics.text(), /outcome="cancelled"\} 1/);
});

test("what a parked call's server asks beyond the client's means is told when the client comes", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const [peer, call, requestState] = await parked(gateway, weather);
  call.ask(8, "sampling/createMessage");
  const { status, body } = await modern(peer, { requestState, inputResponses: {} });
  assert.deepEqual([status, body?.error?.code], [400, -32021]);
  assert.ok(call.cancelled !== undefined);
});

test("a parked call's server can leave no more than so many questions open", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const [peer, call, requestState] = await parked(gateway, weather);
  for (let id = 100; id < 170; id++) call.ask(id, "elicitation/create", question);
  assert.deepEqual(
    (weather.notified as { id?: number; error?: { code: number } }[]).map(({ error }) => error?.code),
    Array.from({ length: 7 }, () => -32603),
  );
  const { body } = await modern(peer, { requestState, inputResponses: {} });
  assert.equal(Object.keys(body?.result?.["inputRequests"] as object).length, 64);
});

test("a replica that is lost while its call is parked is told to the client when it comes", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const [peer, , requestState] = await parked(gateway, weather);
  weather.destroy(new ManagerError("unavailable", 'server "weather" has exited', { server: "weather" }));
  const other = gateway.attach("weather");
  const { status, body } = await modern(peer, { requestState, inputResponses: {} });
  const told = 'server "weather" has exited; whether the call was carried out is not known';
  assert.deepEqual([status, body?.error?.message], [503, told]);
  assert.deepEqual(other.calls("tools/call"), []);
  assert.equal(gateway.parked.count, 0);
});

test("a client that does not come back in ten minutes finds nothing, and its server is told", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather");
  const peer = new Peer(gateway.url);
  const first = modern(peer, {});
  const call = await weather.call("tools/call");
  call.ask(7, "elicitation/create", question);
  await gateway.time.advance(20);
  const requestState = (await first).body?.result?.["requestState"];
  await gateway.time.advance(600_100);
  assert.ok(call.cancelled !== undefined);
  assert.equal(gateway.parked.count, 0);
  assert.equal((await modern(peer, { requestState, inputResponses: {} })).body?.error?.code, -32602);
});

test("answers kept for clients that are away are bounded together; what has no room is told as that", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const waiting = [await parked(gateway, weather), await parked(gateway, weather)] as const;
  for (const [, call] of waiting) call.result({ text: "x".repeat(40 * 1024 * 1024) });
  const answers = waiting.map(([peer, , requestState]) => modern(peer, { requestState, inputResponses: {} }));
  const [kept, dropped] = await Promise.all(answers);
  assert.equal(kept?.body?.result?.["resultType"], "complete");
  assert.deepEqual([dropped?.status, dropped?.body?.error?.data?.["code"]], [503, "unavailable"]);
  const [peer, call, requestState] = await parked(gateway, weather);
  call.result({ text: "x".repeat(40 * 1024 * 1024) });
  const { status, body } = await modern(peer, { requestState, inputResponses: {} });
  assert.deepEqual([status, body?.error], [200, undefined], "what was fetched makes room");
});
