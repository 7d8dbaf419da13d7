/** How a client learns that its session has ended: by time, by its own word, or because its server's was lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

test("G9 a session that was idle too long is 404 on every HTTP method, and a new one is to be had", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const peer = new Peer(gateway.url);
  await peer.initialize();
  await gateway.time.advance(29 * 60_000);
  assert.equal((await peer.legacy("ping")).status, 200);
  await gateway.time.advance(32 * 60_000);
  assert.equal(gateway.sessions.count, 0, "nobody had to ask for it");
  const gone = await peer.legacy("ping", {}, { id: "p" });
  assert.deepEqual([gone.status, gone.body?.error?.code, gone.body?.id], [404, -32600, "p"]);
  for (const method of ["GET", "DELETE"]) {
    const response = await peer.request(method, undefined, { headers: { accept: "text/event-stream" } });
    await response.body?.cancel();
    assert.equal(response.status, 404, method);
  }
  assert.equal((await new Peer(gateway.url).initialize()).status, 200);
});

test("G9 an ended session's streams end, and its events are not to be had by its id", async () => {
  await using gateway = await TestGateway.open();
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const headers = { accept: "text/event-stream" };
  const stream = await peer.request("GET", undefined, { headers });
  const text = stream.text();
  assert.equal((await peer.request("DELETE", undefined)).status, 204);
  const lastEventId = /^id: (\S+)$/m.exec(await text)?.[1] ?? "";
  const back = await peer.request("GET", undefined, { headers: { ...headers, "last-event-id": lastEventId } });
  await back.body?.cancel();
  assert.notEqual(lastEventId, "");
  assert.equal(back.status, 404);
});

test("when a key is revoked, the session's stream and its calls end, and nobody else's", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather");
  gateway.principal("bob", ["caller"]);
  const [ada, bob] = [new Peer(gateway.url), new Peer(gateway.url, { who: "bob" })];
  await Promise.all([ada.initialize(), bob.initialize()]);
  const stream = await bob.request("GET", undefined, { headers: { accept: "text/event-stream" } });
  const answer = bob.legacy("tools/call", { name: "weather__slow" });
  const call = await weather.call("tools/call");
  gateway.revoke("bob");
  await gateway.time.advance(1_000);
  await stream.text();
  assert.equal((await answer).body, undefined);
  assert.match(call.cancelled ?? "", /credential/);
  assert.equal((await bob.legacy("ping")).status, 401);
  assert.equal((await ada.legacy("ping")).status, 200);
  assert.equal(gateway.sessions.count, 1);
});
