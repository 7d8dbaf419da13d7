/** `notifications/elicitation/complete`: to the client that saw the elicitation, and to no other (protocol.md §2.4, item 14). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "../testing/event-reader.ts";
import { TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";
import type { Received, ScriptedConnection } from "../testing/scripted-connection.ts";

const method = "notifications/elicitation/complete";
const url = (elicitationId: string): Record<string, unknown> => {
  return { mode: "url", elicitationId, url: "https://x.test", message: "Sign in" };
};
const required = { elicitations: [url("e-2")] };

async function asked(gateway: TestGateway): Promise<Peer> {
  const peer = new Peer(gateway.url);
  await peer.initialize("2025-11-25", { elicitation: { url: {} } });
  return peer;
}

async function begun(peer: Peer, server: ScriptedConnection, name: string): Promise<[Received, Promise<EventReader>]> {
  const nth = server.calls("tools/call").length + 1;
  const text = JSON.stringify({ jsonrpc: "2.0", id: nth, method: "tools/call", params: { name } });
  const events = peer.request("POST", text).then((response) => new EventReader(response));
  return [await server.call("tools/call", nth), events];
}

test("G13 an elicitation's completion reaches the client that saw it, in this call or a later one, and nobody else", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const dropped: string[] = [];
  gateway.upstreams.onChange((change) => void (change.kind === "dropped" && dropped.push(change.what)));
  const ada = await asked(gateway);
  const bob = await asked(gateway);
  const [first, firstEvents] = await begun(ada, weather, "weather__a");
  first.ask(1, "elicitation/create", url("e-1"));
  const events = await firstEvents;
  assert.equal((await events.next())?.params?.["elicitationId"], "e-1");
  first.notify(method, { elicitationId: "never-shown" });
  first.notify(method, { elicitationId: "e-1" });
  assert.deepEqual((await events.next())?.params, { elicitationId: "e-1" });
  first.error(-32042, "This request requires more information.", required);
  await events.next();
  const end = await events.next();
  assert.deepEqual([end?.error?.code, end?.error?.data], [-32042, required]);

  const [others, othersEvents] = await begun(bob, weather, "weather__a");
  others.notify(method, { elicitationId: "e-1" });
  others.notify(method, { elicitationId: "e-2" });
  others.result({ bob: true });
  assert.deepEqual((await (await othersEvents).next())?.result, undefined);
  const [again, againEvents] = await begun(ada, weather, "weather__a");
  again.notify(method, { elicitationId: "e-2" });
  again.result({});
  const later = await againEvents;
  assert.deepEqual([(await later.next())?.params, (await later.next())?.result], [{ elicitationId: "e-2" }, {}]);
  assert.deepEqual(dropped, ["unaddressed_completion", "unaddressed_completion", "unaddressed_completion"]);
});

test("a completion names elicitations of one server only: another one cannot complete them", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const time = gateway.serve("time");
  const ada = await asked(gateway);
  const [first, firstEvents] = await begun(ada, weather, "weather__a");
  first.ask(1, "elicitation/create", url("e-1"));
  await (await firstEvents).next();
  const [other, otherEvents] = await begun(ada, time, "time__a");
  other.notify(method, { elicitationId: "e-1" });
  other.notify("notifications/message", { level: "info", data: 1 });
  assert.equal((await (await otherEvents).next())?.method, "notifications/message");
});
