/** Calls whose server waits for their client: they keep no place that others could use, and their time is no server's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "../testing/event-reader.ts";
import { TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

const elicits = { elicitation: { form: {} } };
const question = { message: "Which city?", requestedSchema: { type: "object", properties: {} } };
const accepted = { action: "accept", content: {} };
const narrow = { limits: { concurrency: 1 } };

const placesOf = (gateway: TestGateway): number | undefined => gateway.guards.of("weather")?.load.inFlight;

test("a call that a legacy server asks something of a modern client gives its place back, and goes on without one", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {}, narrow);
  const peer = new Peer(gateway.url);
  const meta = { "io.modelcontextprotocol/clientCapabilities": elicits };
  const first = peer.modern("tools/call", { name: "weather__a" }, { meta });
  const call = await weather.call("tools/call");
  assert.equal(placesOf(gateway), 1);
  call.ask(7, "elicitation/create", question);
  const { body } = await first;
  const { requestState, inputRequests } = body?.result ?? {};
  assert.equal(placesOf(gateway), 0);
  const other = peer.modern("tools/call", { name: "weather__b" });
  (await weather.call("tools/call", 2)).result({ n: 2 });
  assert.equal((await other).body?.result?.["n"], 2);
  const inputResponses = Object.fromEntries(Object.keys(inputRequests as object).map((key) => [key, accepted]));
  const last = peer.modern("tools/call", { name: "weather__a", requestState, inputResponses }, { meta });
  await weather.until(() => weather.notified.length === 1);
  call.result({ n: 1 });
  assert.equal((await last).body?.result?.["n"], 1);
  assert.equal(placesOf(gateway), 0);
});

for (const era of ["legacy", "modern"] as const) {
  test(`a ${era} server that asks a legacy client something has no place while it waits for the answer`, async () => {
    await using gateway = await TestGateway.open();
    const weather = gateway.serve("weather", { era }, narrow);
    const peer = new Peer(gateway.url);
    await peer.initialize("2025-11-25", elicits);
    const text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather__a"}}';
    const begun = peer.request("POST", text);
    const call = await weather.call("tools/call");
    const inputRequests = { city: { method: "elicitation/create", params: question } };
    if (era === "legacy") call.ask("s-9", "elicitation/create", question);
    else call.result({ resultType: "input_required", inputRequests, requestState: "s1" });
    const events = new EventReader(await begun);
    const asked = await events.next();
    assert.equal(placesOf(gateway), 0);
    await peer.post(JSON.stringify({ jsonrpc: "2.0", id: asked?.id, result: accepted }));
    // To a modern server the answer is another request, which wants a place like any.
    const again = era === "modern" ? await weather.call("tools/call", 2) : call;
    assert.equal(placesOf(gateway), era === "modern" ? 1 : 0);
    again.result(era === "modern" ? { resultType: "complete", n: 1 } : { n: 1 });
    assert.equal((await events.next())?.result?.["n"], 1);
    assert.equal(placesOf(gateway), 0);
  });
}
