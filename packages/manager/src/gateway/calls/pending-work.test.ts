/** What a revision still has to finish: each kind of it, under its own revision, until it is over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { nothingPending as none } from "../../telemetry/revision-measures.ts";
import { capabilities, listen, script } from "../testing/hearer.ts";
import { eras, serverResource, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

for (const era of eras) {
  test(`sessions, listens and calls in flight count at the revision of a ${era} server that they are on, and nowhere else`, async () => {
    await using gateway = await TestGateway.open({ clock: new ManualClock() });
    const options = { era, capabilities, script: { ...script, "tools/list": () => undefined } };
    const weather = gateway.serve("weather", options);
    for (const list of weather.calls("tools/list")) list.result({ resultType: "complete", tools: [{ name: "slow" }] });
    gateway.attach("weather", {}, "weather-2-a", "weather-2");
    gateway.route("weather", { stable: "weather-1", draining: [] });
    const of = (revision: string): unknown => gateway.pending.of("weather", revision);
    assert.deepEqual(of("weather-1"), none, "what the manager itself listens to is nobody's work");
    const peer = new Peer(gateway.url);
    await peer.initialize();
    assert.deepEqual(of("weather-1"), none, "a session is on no revision before it uses the server");
    const answer = peer.legacy("tools/call", { name: "weather__slow" });
    const call = await weather.call("tools/call");
    const stream = await listen(gateway, { toolsListChanged: true }, { path: "/servers/weather/mcp" });
    await stream.next();
    gateway.route("weather", { stable: "weather-2", draining: ["weather-1"] });
    assert.deepEqual(of("weather-1"), { ...none, inFlight: 1, sessions: 1, listens: 1 });
    assert.deepEqual(of("weather-2"), none);
    call.result({ resultType: "complete", content: [] });
    await answer;
    await peer.request("DELETE", undefined);
    await gateway.time.advance(5_000);
    assert.deepEqual(of("weather-1"), none);
    await stream.close();
  });
}

test("a call that waits for a place counts at the revision that it will go to", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const { limits } = serverResource("weather").spec;
  gateway.register(serverResource("weather", { limits: { ...limits, concurrency: 1 } }));
  gateway.attach("weather", { script: { "tools/call": (call) => call.result({ content: [] }) } });
  const two = gateway.attach("weather", {}, "weather-2-a", "weather-2");
  gateway.route("weather", { stable: "weather-1", draining: [] });
  const say = { name: "weather__say" };
  const first = new Peer(gateway.url).modern("tools/call", say, { headers: { "mcp-manager-revision": "weather-2" } });
  const call = await two.call("tools/call");
  const second = new Peer(gateway.url).modern("tools/call", say);
  const guard = gateway.guards.of("weather");
  while (guard?.load.waiting !== 1) await new Promise((resolve) => setImmediate(resolve));
  gateway.route("weather", { stable: "weather-2", draining: ["weather-1"] });
  assert.deepEqual(gateway.pending.of("weather", "weather-1"), { ...none, inFlight: 1 });
  assert.deepEqual(gateway.pending.of("weather", "weather-2"), { ...none, inFlight: 1 }, "the one that has the place");
  call.result({ resultType: "complete", content: [] });
  assert.deepEqual([(await first).status, (await second).status], [200, 200]);
  assert.deepEqual(gateway.pending.of("weather", "weather-1"), none);
});

test("a modern client that was asked for something counts where the question came from, until it answers or may no longer", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const inputRequests = { who: { method: "elicitation/create", params: { message: "who?", requestedSchema: {} } } };
  const ask = { resultType: "input_required", inputRequests, requestState: "s" };
  const weather = gateway.serve("weather", {
    era: "modern",
    script: {
      "tools/call": (call) =>
        call.result(call.message.params?.["requestState"] === "s" ? { resultType: "complete", content: [] } : ask),
    },
  });
  gateway.attach("weather", {}, "weather-2-a", "weather-2");
  gateway.route("weather", { stable: "weather-1", draining: [] });
  const peer = new Peer(gateway.url);
  const meta = { "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } } };
  const call = async (more: object = {}): Promise<unknown> => {
    const { body } = await peer.modern("tools/call", { name: "weather__say", ...more }, { meta });
    return body?.result?.["requestState"];
  };
  const [first, second] = [await call(), await call()];
  assert.notEqual(first, second);
  gateway.route("weather", { stable: "weather-2", draining: ["weather-1"] });
  assert.deepEqual(gateway.pending.of("weather", "weather-1"), { ...none, asked: 2 });
  assert.equal(await call({ requestState: first, inputResponses: { who: { action: "decline" } } }), undefined);
  assert.equal(weather.calls("tools/call").length, 3, "it came to the revision that asked");
  assert.deepEqual(gateway.pending.of("weather", "weather-1"), { ...none, asked: 1 });
  await gateway.time.advance(601_000);
  assert.deepEqual(gateway.pending.of("weather", "weather-1"), none);
});
