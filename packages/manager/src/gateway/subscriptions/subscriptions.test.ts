/** Subscriptions as clients of both eras have them, over servers of both eras: who hears of what, and who does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { eras, serverResource, TestGateway } from "../testing/gateway.ts";
import {
  capabilities,
  hearer,
  idKey,
  listen,
  roles,
  script,
  subscribed,
  toolsChanged,
  update,
  updated,
} from "../testing/hearer.ts";
import { Peer } from "../testing/peer.ts";

for (const clientEra of eras) {
  for (const serverEra of eras) {
    test(`a ${clientEra} client hears of a resource of a ${serverEra} server, under its own URI, and of nothing else`, async () => {
      await using gateway = await TestGateway.open();
      const weather = gateway.serve("weather", { era: serverEra, capabilities, script });
      gateway.serve("maps", { era: serverEra, capabilities, script });
      const whole = await hearer(clientEra, gateway, ["weather+a:1", "maps+a:2"]);
      const one = await hearer(clientEra, gateway, ["a:3"], { path: "/servers/weather/mcp" });
      await update(weather, gateway, "weather", "a:3");
      await update(weather, gateway, "weather", "a:1");
      const message = await whole.next();
      assert.deepEqual(
        [message.method, message.params?.["uri"], message.params?.["extra"]],
        [updated, "weather+a:1", 1],
      );
      const meta = message.params?.["_meta"] as Record<string, unknown> | undefined;
      assert.equal(meta?.[idKey], clientEra === "modern" ? 1 : undefined);
      assert.deepEqual(await one.heard(), [updated, "a:3"]);
      for (const each of [whole, one]) await each.close();
    });
  }
}

for (const era of eras) {
  test(`two principals: a ${era} client hears nothing of a server that it may not see`, async () => {
    await using gateway = await TestGateway.open({ roles });
    gateway.principal("bob", ["sees-weather"]);
    const weather = gateway.serve("weather", { era, capabilities, script });
    const maps = gateway.serve("maps", { era, capabilities, script });
    const ada = await hearer(era, gateway, ["maps+a:1", "weather+a:1"]);
    const bob = await hearer(era, gateway, ["weather+a:1"], { who: "bob" });
    await update(maps, gateway, "maps", "a:1");
    gateway.upstreams.notified("maps", toolsChanged, Buffer.from("{}"));
    const adas = [await ada.heard(), await ada.heard()];
    assert.deepEqual(adas, [[updated, "maps+a:1"], [toolsChanged]]);
    await update(weather, gateway, "weather", "a:1");
    assert.deepEqual(await bob.heard(), [updated, "weather+a:1"]);
    gateway.upstreams.notified("weather", toolsChanged, Buffer.from("{}"));
    assert.deepEqual(await bob.heard(), [toolsChanged]);
    await ada.close();
    await bob.close();
  });
}

test("a session whose credential is no longer good hears nothing more", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.principal("bob", ["admin"]);
  const weather = gateway.serve("weather", { capabilities, script });
  const [, bobs] = await subscribed(gateway, ["weather+a:1"], { who: "bob" });
  await update(weather, gateway, "weather", "a:1");
  assert.deepEqual(await bobs.heard(), [updated, "weather+a:1"]);
  const bob = gateway.principal("bob", []);
  await gateway.time.advance(15_000);
  await update(weather, gateway, "weather", "a:1");
  gateway.upstreams.notified("weather", toolsChanged, Buffer.from("{}"));
  await gateway.time.advance(1_000);
  const [session] = gateway.sessions.all();
  assert.equal(session?.principalHash, bob.hash);
  session?.streams.push(Buffer.from('{"jsonrpc":"2.0","method":"notifications/last"}'));
  assert.deepEqual(await bobs.heard(), ["notifications/last"]);
  await bobs.close();
});

test("a subscription to what a legacy client may not use is -32602 as for what is not there, and audited", async () => {
  await using gateway = await TestGateway.open({ roles });
  gateway.principal("bob", ["sees-weather"]);
  const maps = gateway.serve("maps", { capabilities, script });
  const bob = new Peer(gateway.url, { who: "bob" });
  await bob.initialize();
  for (const method of ["resources/subscribe", "resources/unsubscribe"]) {
    for (const uri of ["maps+a:1", "none+a:1"]) {
      const { status, body } = await bob.legacy(method, { uri }, { id: "i" });
      assert.deepEqual([status, body?.error?.code, body?.id], [200, -32602, "i"]);
    }
  }
  assert.equal(maps.calls("resources/subscribe").length, 0);
  assert.deepEqual(gateway.audited.at(-1)?.target, "servers/maps/resources/a:1");
});

test("a server's refusal reaches the legacy client as the server's own error, under the client's id", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("weather", {
    capabilities,
    script: { "resources/subscribe": (call) => call.error(-32002, "no such", { uri: "a:1" }) },
  });
  gateway.serve("mute", { capabilities: { resources: {} } });
  gateway.register(serverResource("away"));
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const refused = await peer.legacy("resources/subscribe", { uri: "weather+a:1" }, { id: "i" });
  assert.deepEqual(refused.body, {
    jsonrpc: "2.0",
    id: "i",
    error: { code: -32002, message: "no such", data: { uri: "a:1" } },
  });
  const mute = await peer.legacy("resources/subscribe", { uri: "mute+a:1" }, { id: 7 });
  assert.deepEqual([mute.body?.error?.code, mute.body?.id], [-32601, 7]);
  const away = await peer.legacy("resources/subscribe", { uri: "away+a:1" });
  assert.equal(away.status, 503);
});

test("G16 one session's unsubscribe, or end, does not cut off another; subscribing twice is once", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { capabilities, script });
  const [ada, adas] = await subscribed(gateway, ["weather+a:1", "weather+a:1"]);
  const [bob, bobs] = await subscribed(gateway, ["weather+a:1"]);
  const [cy, cys] = await subscribed(gateway, ["weather+a:1"]);
  assert.deepEqual((await ada.legacy("resources/unsubscribe", { uri: "weather+a:1" })).body?.result, {});
  await update(weather, gateway, "weather", "a:1");
  assert.deepEqual(await bobs.heard(), [updated, "weather+a:1"]);
  assert.deepEqual(await cys.heard(), [updated, "weather+a:1"]);
  await (await bob.request("DELETE", undefined)).text();
  await update(weather, gateway, "weather", "a:1");
  assert.deepEqual(await cys.heard(), [updated, "weather+a:1"]);
  assert.deepEqual(
    [weather.calls("resources/subscribe").length, weather.calls("resources/unsubscribe").length],
    [1, 0],
  );
  await cy.legacy("resources/unsubscribe", { uri: "weather+a:1" });
  await weather.call("resources/unsubscribe");
  // Whoever gave up heard nothing meanwhile.
  gateway.upstreams.notified("weather", toolsChanged, Buffer.from("{}"));
  assert.deepEqual(await adas.heard(), [toolsChanged]);
  for (const each of [adas, bobs, cys]) await each.close();
});

test("clients hear of a changed list when the manager's own copy is new, and once for many servers", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { capabilities, script });
  const maps = gateway.serve("maps", { capabilities, script });
  const stream = await listen(gateway, { toolsListChanged: true });
  await stream.next();
  const peer = new Peer(gateway.url);
  maps.script = { ...maps.script, "tools/list": (call) => call.result({ tools: [{ name: "t" }] }) };
  weather.script = { ...weather.script, "tools/list": () => {} };
  gateway.upstreams.notified("weather", toolsChanged, Buffer.from("{}"));
  gateway.upstreams.notified("maps", toolsChanged, Buffer.from("{}"));
  assert.deepEqual(await stream.heard(), [toolsChanged]);
  weather
    .calls("tools/list")
    .at(-1)
    ?.result({ tools: [{ name: "new" }] });
  assert.deepEqual(await stream.heard(), [toolsChanged]);
  const { body } = await peer.modern("tools/list");
  const names = ((body?.result?.["tools"] ?? []) as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names.sort(), ["maps__t", "weather__new"]);
});

test("clients of the aggregate hear of a server that comes with tools", async () => {
  await using gateway = await TestGateway.open();
  const stream = await listen(gateway, { toolsListChanged: true });
  await stream.next();
  gateway.serve("weather", {
    capabilities,
    script: { "tools/list": (call) => call.result({ tools: [{ name: "t" }] }) },
  });
  assert.deepEqual(await stream.heard(), [toolsChanged]);
});

test("G15 a listen stream of a modern server that drops is opened again, and the client never knew", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather", { era: "modern", capabilities, script });
  const stream = await listen(gateway, { resourceSubscriptions: ["weather+a:1"] });
  await stream.next();
  await gateway.time.advance(100);
  weather.calls("subscriptions/listen").at(-1)?.fail(new ManagerError("unavailable", "lost"));
  await gateway.time.advance(1_000);
  await update(weather, gateway, "weather", "a:1");
  assert.deepEqual(await stream.heard(), [updated, "weather+a:1"]);
});

for (const era of eras) {
  test(`a ${era} client hears of a resource from the revision that it reads it at, and from no other`, async () => {
    await using gateway = await TestGateway.open();
    const one = gateway.serve("weather", { era: "modern", capabilities, script });
    const two = gateway.attach("weather", { era: "modern", capabilities, script }, "weather-2-a", "weather-2");
    const next = { revision: "weather-2", weight: 0, salt: "s", match: [], differs: true };
    gateway.route("weather", { stable: "weather-1", next, draining: [] });
    const client = await hearer(era, gateway, ["weather+x:a"]);
    await update(two, gateway, "weather", "x:a");
    await update(one, gateway, "weather", "x:a");
    assert.equal((await client.next()).params?.["uri"], "weather+x:a");
    gateway.subscriptions.endStreams();
    gateway.sessions.endStreams();
    if (era === "modern") assert.equal((await client.next()).result?.["resultType"], "complete");
    assert.ok(await client.isOver(), "once");
  });
}
