/** What a revision still has to finish: each kind of it, under its own revision, until it is over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { capabilities, listen, script } from "../testing/hearer.ts";
import { eras, serverResource, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

const none = { inFlight: 0, sessions: 0, tasks: 0, listens: 0 };

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
    assert.deepEqual(of("weather-1"), { inFlight: 1, sessions: 1, tasks: 0, listens: 1 });
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
