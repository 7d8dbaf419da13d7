/** How calls end before their answer: cancelled in either era, lost, late, or with a replica that dies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { eras, peerOf, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";

test("G8 a modern client that closes its stream cancels the call upstream", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {});
  const peer = await peerOf("modern", gateway);
  const going = new AbortController();
  const gone = assert.rejects(peer.modern("tools/call", { name: "weather__slow" }, { signal: going.signal }));
  const call = await weather.call("tools/call");
  going.abort();
  await gone;
  await weather.until(() => call.cancelled !== undefined);
  assert.match(gateway.metrics.text(), /method="tools\/call",outcome="cancelled"\} 1/);
});

test("G18 a legacy client cancels by a notification, and only its own call; the id's type counts", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {});
  const [ada, other] = [await peerOf("legacy", gateway), await peerOf("legacy", gateway)];
  const params = { name: "weather__slow" };
  const cancelled = ada.legacy("tools/call", params, { id: 1 });
  const first = await weather.call("tools/call", 1);
  const spared = ada.legacy("tools/call", params, { id: "1" });
  const second = await weather.call("tools/call", 2);
  const foreign = other.legacy("tools/call", params, { id: 1 });
  const third = await weather.call("tools/call", 3);
  await ada.legacy("ping");
  await ada.post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
  const answer = await cancelled;
  assert.deepEqual([answer.status, answer.text], [202, ""]);
  assert.ok(first.cancelled !== undefined);
  // A late answer goes nowhere.
  first.result({ late: true });
  second.result({ n: 2 });
  third.result({ n: 3 });
  assert.deepEqual((await spared).body?.result, { n: 2 });
  assert.deepEqual((await foreign).body?.result, { n: 3 });
});

test("G8 a legacy client that only loses its connection cancels nothing", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {});
  const peer = await peerOf("legacy", gateway);
  const going = new AbortController();
  const gone = assert.rejects(peer.legacy("tools/call", { name: "weather__slow" }, { signal: going.signal }));
  const call = await weather.call("tools/call");
  going.abort();
  await gone;
  await weather.until(() => call.resumed > 0);
  assert.equal(call.cancelled, undefined);
  call.result({});
  assert.match(gateway.metrics.text(), /method="tools\/call",outcome="result"\} 1/);
});

test("G18 ending a session cancels its calls", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", {});
  const peer = await peerOf("legacy", gateway);
  const answer = peer.legacy("tools/call", { name: "weather__slow" });
  const call = await weather.call("tools/call");
  await peer.request("DELETE", undefined);
  assert.equal((await answer).status, 202);
  assert.equal(call.cancelled, "the client ended the session");
});

test("G18 a call without an answer in its time is 504 with the server's name, and the late answer is dropped", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather", {}, { limits: { callTimeout: "5s" } });
  for (const era of eras) {
    const peer = await peerOf(era, gateway);
    const answer = peer[era]("tools/call", { name: "weather__slow" }, { id: 8 });
    const call = await weather.call("tools/call", era === "legacy" ? 1 : 2);
    await gateway.time.advance(5_100);
    const { status, body } = await answer;
    // A legacy call that is silent for long has become a stream, whose status has gone out.
    assert.equal(status, era === "modern" ? 504 : 200);
    assert.equal(body?.id, 8);
    assert.equal(body?.error?.code, 504);
    assert.deepEqual(body?.error?.data, {
      code: "deadline_exceeded",
      server: "weather",
      message:
        'server "weather" did not answer tools/call within 5000 ms; whether the call was carried out is not known',
      retryable: false,
    });
    assert.equal(call.cancelled, "timed out");
    call.result({ late: true });
  }
});

test("G18 progress does not put off a call's end", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather", {}, { limits: { callTimeout: "5s" } });
  const peer = await peerOf("modern", gateway);
  const answer = peer.modern("tools/call", { name: "weather__slow" }, { meta: { progressToken: 1 } });
  const call = await weather.call("tools/call");
  for (let i = 0; i < 5; i++) {
    call.notify("notifications/progress", { progress: i });
    await gateway.time.advance(1_050);
  }
  const { status, body, events } = await answer;
  assert.equal(status, 200);
  assert.equal(body?.error?.code, 504);
  assert.ok(events.length >= 4);
});

test("G7 without a ready replica, and when one dies in the middle, a call is 503 with when to come back", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  for (const era of eras) {
    const peer = await peerOf(era, gateway);
    const answer = peer[era]("tools/call", { name: "weather__a" }, { id: "d" });
    const call = await weather.call("tools/call", era === "legacy" ? 1 : 2);
    call.fail(new ManagerError("unavailable", 'server "weather" has exited', { server: "weather", retryAfterMs: 500 }));
    const { status, body, headers } = await answer;
    assert.deepEqual([status, body?.id, body?.error?.code], [503, "d", 503]);
    assert.equal(headers.get("retry-after"), "1");
    assert.equal(body?.error?.data?.["retryAfterMs"], 500);
  }
  gateway.upstreams.detach("weather", "weather-1-a");
  const { status, body, headers } = await new Peer(gateway.url).modern("tools/call", { name: "weather__a" });
  assert.equal(status, 503);
  assert.equal(headers.get("retry-after"), "1");
  assert.equal(body?.error?.data?.["code"], "unavailable");
});
