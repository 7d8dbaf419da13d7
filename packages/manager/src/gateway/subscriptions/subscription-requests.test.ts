/** `subscriptions/listen` as its clients see it: what is acknowledged, what is told, and how a stream ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { serverResource, TestGateway } from "../testing/gateway.ts";
import {
  acknowledged,
  capabilities,
  type Hearer,
  idKey,
  listen,
  post,
  roles,
  script,
  toolsChanged,
  update,
  updated,
} from "../testing/hearer.ts";
import { answerOf } from "../testing/peer.ts";

test("G15 the acknowledgement comes first and says what is honoured: lists that there are, resources of servers that tell", async () => {
  await using gateway = await TestGateway.open({ roles });
  gateway.principal("bob", ["sees-weather"]);
  gateway.serve("weather", { capabilities: { tools: {}, resources: { subscribe: true } }, script });
  gateway.serve("maps", { capabilities, script });
  gateway.serve("mute", { capabilities: { resources: {} }, script });
  const all = {
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: false,
    taskIds: ["t"],
    resourceSubscriptions: ["weather+a:1", "maps+a:1", "mute+a:1", "none+a:1", "a:1"],
  };
  const bob = await listen(gateway, all, { who: "bob" });
  const { method, params } = await bob.next();
  assert.equal(method, acknowledged);
  const expected = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ["weather+a:1"] };
  assert.deepEqual(params, { _meta: { [idKey]: 1 }, notifications: expected });
  const one = await listen(
    gateway,
    { toolsListChanged: true, promptsListChanged: true },
    { path: "/servers/weather/mcp" },
  );
  assert.deepEqual((await one.next()).params?.["notifications"], { toolsListChanged: true });
});

test("G15 only what was asked for is told, under the id of each request with its type", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { capabilities, script });
  const text = await listen(gateway, { toolsListChanged: true }, { id: "1" });
  const number = await listen(gateway, { resourceSubscriptions: ["weather+a:1"] }, { id: 1 });
  const ids = [await text.next(), await number.next()].map((message) => message.params?.["_meta"]);
  assert.deepEqual(ids, [{ [idKey]: "1" }, { [idKey]: 1 }]);
  await weather.call("resources/subscribe");
  await update(weather, gateway, "weather", "a:1");
  gateway.upstreams.notified("weather", "notifications/prompts/list_changed", Buffer.from("{}"));
  gateway.upstreams.notified("weather", toolsChanged, Buffer.from("{}"));
  assert.deepEqual((await text.next()).params, { _meta: { [idKey]: "1" } });
  assert.deepEqual(await number.heard(), [updated, "weather+a:1"]);
  await gateway.close(new AbortController().signal);
  assert.deepEqual((await text.next()).result, { resultType: "complete", _meta: { [idKey]: "1" } });
  assert.deepEqual((await number.next()).result, { resultType: "complete", _meta: { [idKey]: 1 } });
  assert.ok((await text.isOver()) && (await number.isOver()));
});

test("G15 a stream on which nothing is honoured is acknowledged and ended at once", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", { capabilities, script });
  const answer = await answerOf(await post(gateway, { resourceSubscriptions: ["none+a:1"] }, { id: "x" }));
  assert.deepEqual(
    [...answer.events, answer.body].map((message) => message?.method ?? message?.result),
    [acknowledged, { resultType: "complete", _meta: { [idKey]: "x" } }],
  );
  assert.equal(gateway.subscriptions.streamCount, 0);
});

test("G15 a malformed filter is -32602; a client that takes no events is 406", async () => {
  await using gateway = await TestGateway.open();
  const malformed = await answerOf(await post(gateway, { toolsListChanged: "yes" }));
  assert.deepEqual([malformed.status, malformed.body?.error?.code, malformed.body?.id], [200, -32602, 1]);
  const plain = await answerOf(await post(gateway, {}, { headers: { accept: "application/json" } }));
  assert.deepEqual([plain.status, plain.body?.error?.code, plain.body?.id], [406, -32600, 1]);
});

test("G15 the 65th stream of a principal is 503 with when to come back, others are not concerned", async () => {
  await using gateway = await TestGateway.open();
  gateway.principal("bob", ["admin"]);
  const open: Hearer[] = [];
  for (let i = 0; i < 64; i++) open.push(await listen(gateway, { toolsListChanged: true }, { id: i }));
  const refused = await post(gateway, { toolsListChanged: true });
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  await refused.text();
  const bobs = await listen(gateway, { toolsListChanged: true }, { who: "bob" });
  assert.equal((await bobs.next()).method, acknowledged);
});

test("G15 a client that closes its stream gives its place back, and its server is told", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { capabilities, script });
  const response = await post(gateway, { resourceSubscriptions: ["weather+a:1"] });
  await weather.call("resources/subscribe");
  await response.body?.cancel();
  await weather.call("resources/unsubscribe");
  assert.equal(gateway.subscriptions.streamCount, 0);
});

test("G15 a deleted server ends the streams that have nothing left, and the aggregate hears that its lists changed", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", { capabilities, script });
  gateway.serve("maps", { capabilities, script });
  const own = await listen(gateway, { toolsListChanged: true }, { path: "/servers/weather/mcp" });
  const resource = await listen(gateway, { resourceSubscriptions: ["weather+a:1"] });
  const rest = await listen(gateway, { toolsListChanged: true, resourceSubscriptions: ["weather+a:1", "maps+a:1"] });
  for (const stream of [own, resource, rest]) assert.equal((await stream.next()).method, acknowledged);
  gateway.unregister("weather");
  for (const stream of [own, resource]) {
    assert.equal((await stream.next()).result?.["resultType"], "complete");
    assert.ok(await stream.isOver());
  }
  assert.deepEqual(await rest.heard(), [toolsChanged]);
  gateway.register(serverResource("maps", { expose: { prefix: "m" } }));
  assert.deepEqual(await rest.heard(), [toolsChanged]);
});

test("G15 a stream whose credential is no longer good ends within 15 s; an idle one gets a comment that often", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.principal("bob", ["admin"]);
  const adas = await post(gateway, { toolsListChanged: true });
  const bobs = await post(gateway, { toolsListChanged: true }, { who: "bob" });
  gateway.principal("bob", []);
  await gateway.time.advance(15_000);
  assert.equal((await answerOf(bobs)).body?.result?.["resultType"], "complete");
  await gateway.time.advance(15_000);
  await gateway.close(AbortSignal.timeout(5_000));
  assert.match(await adas.text(), /^data: .*acknowledged.*\n\n:\n\n:\n\ndata: .*"complete".*\n\n$/);
});
