/** The form an answer takes: JSON or events, in one piece or many, for slow readers and for answers that break off. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { EventReader } from "./testing/event-reader.ts";
import { TestGateway } from "./testing/gateway.ts";
import { type Answer, answerOf, Peer } from "./testing/peer.ts";
import type { Received, ScriptedConnection } from "./testing/scripted-connection.ts";

async function legacyPeer(gateway: TestGateway, accept: string): Promise<Peer> {
  const peer = new Peer(gateway.url, { headers: { accept } });
  await peer.initialize("2025-06-18");
  return peer;
}

/** The same in every run: ids without the session's name. */
function unnamed(text: string): string {
  return text.replaceAll(/^id: [a-z0-9]{8}-/gm, "id: ");
}

test("G8 a waiting caller that takes events gets a comment every 15 s, one that takes only JSON gets none", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  const weather = gateway.serve("weather");
  const eventful = await legacyPeer(gateway, "application/json, text/event-stream");
  const plain = await legacyPeer(gateway, "application/json");
  const waiting = eventful.legacy("tools/call", { name: "weather__slow" }, { id: 1 });
  const first = await weather.call("tools/call", 1);
  const silent = plain.legacy("tools/call", { name: "weather__slow" }, { id: 1 });
  const second = await weather.call("tools/call", 2);
  await gateway.time.advance(31_000);
  first.result({});
  second.result({});
  assert.equal(unnamed((await waiting).text), ':\n\n:\n\nid: 1-1\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
  assert.equal((await silent).text, '{"jsonrpc":"2.0","id":1,"result":{}}');
});

test("G8 events leave as they come, in the clear and past proxies' buffers, whatever coding the client takes", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { era: "modern" });
  const headers = { ...modernHeaders, "accept-encoding": "gzip, br, zstd" };
  const asked = new Peer(gateway.url).request("POST", modernCall, { headers });
  const call = await weather.call("tools/call");
  call.notify("notifications/progress", { progress: 1 });
  const response = await asked;
  const events = new EventReader(response);
  assert.equal((await events.next())?.params?.["progress"], 1);
  assert.deepEqual(
    ["content-type", "content-encoding", "x-accel-buffering", "cache-control"].map((name) =>
      response.headers.get(name),
    ),
    ["text/event-stream", null, "no", "no-store, no-transform"],
  );
  call.notify("notifications/progress", { progress: 2 });
  assert.equal((await events.next())?.params?.["progress"], 2);
  call.result({ resultType: "complete" });
  assert.deepEqual((await events.next())?.result, { resultType: "complete" });
  assert.equal(await events.next(), undefined);
});

test("a client that takes only events gets the response as one, in one piece or in many", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  const peer = await legacyPeer(gateway, "text/event-stream");
  const whole = peer.legacy("tools/call", { name: "weather__a" }, { id: 1 });
  (await weather.call("tools/call", 1)).result({ n: 1 });
  assert.equal(unnamed((await whole).text), 'id: 1-1\ndata: {"jsonrpc":"2.0","id":1,"result":{"n":1}}\n\n');
  const pieces = peer.legacy("tools/call", { name: "weather__a" }, { id: 2 });
  const call = await weather.call("tools/call", 2);
  call.chunk('{"jsonrpc":"2.0",\n"id":2,', false);
  call.chunk('"result":\r\n{"n":', false);
  call.chunk("2}}", true);
  const answer = await pieces;
  assert.equal(unnamed(answer.text), 'id: 2-1\ndata: {"jsonrpc":"2.0",\ndata: "id":2,"result":\ndata: {"n":2}}\n\n');
  assert.deepEqual(answer.body?.result, { n: 2 });
});

for (const accept of ["application/json", "text/event-stream"]) {
  test(`G8 a slow reader of ${accept} holds the server back, and goes on where it stopped`, async () => {
    await using gateway = await TestGateway.open();
    const weather = gateway.serve("weather", { era: "modern" });
    const peer = new Peer(gateway.url, { headers: { accept } });
    const response = peer.request("POST", modernCall, { headers: modernHeaders });
    const call = await weather.call("tools/call");
    const piece = "x".repeat(256 * 1024);
    let pieces = 0;
    let taken = call.chunk(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","text":"`, false);
    while (taken && pieces < 200) {
      taken = call.chunk(piece, false);
      pieces++;
    }
    assert.equal(taken, false, "50 MB went out unread");
    const reading = response.then(answerOf);
    await weather.until(() => call.resumed > 0);
    call.chunk('"}}', true);
    const text = String((await reading).body?.result?.["text"]);
    assert.deepEqual([text.length / piece.length, text === piece.repeat(pieces)], [pieces, true]);
  });
}

test("a response that breaks off in the middle ends as a broken connection, never as a whole one", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather", { era: "modern" });
  for (const accept of ["application/json", "text/event-stream"]) {
    const peer = new Peer(gateway.url, { headers: { accept } });
    const response = await startedResponse(peer, weather);
    response.call.fail(new ManagerError("unavailable", "gone"));
    await assert.rejects(response.reading);
  }
});

async function startedResponse(
  peer: Peer,
  weather: ScriptedConnection,
): Promise<{ readonly call: Received; readonly reading: Promise<Answer> }> {
  const answer = peer.request("POST", modernCall, { headers: modernHeaders });
  const call = await weather.call("tools/call", weather.calls("tools/call").length + 1);
  // Too long to be held until it is whole.
  call.chunk(`{"jsonrpc":"2.0","id":1,"result":{"text":"${"x".repeat(2_000_000)}`, false);
  return { call, reading: answer.then(answerOf) };
}

test("G8 a caller that reads no notifications is let go before they fill the memory, and its call is cancelled", async () => {
  await using gateway = await TestGateway.open();
  const weather = gateway.serve("weather");
  await new Promise<void>((resolve, reject) => {
    const client = httpRequest(`${gateway.url}/mcp`, {
      method: "POST",
      headers: { authorization: "Bearer ada", ...modernHeaders },
    });
    client.on("response", (response) => {
      response.pause();
      const data = "x".repeat(100_000);
      const [call] = weather.calls("tools/call");
      const isCancelled = (): boolean => call?.cancelled !== undefined;
      for (let i = 0; i < 1_000 && !isCancelled(); i++) {
        call?.notify("notifications/progress", { progress: i, message: data });
      }
      if (call?.cancelled === "the client reads too slowly") resolve();
      else reject(new Error("100 MB of notifications were kept"));
      client.destroy();
    });
    client.on("error", () => {});
    client.end(modernCall);
    void weather.call("tools/call").then((call) => call.notify("notifications/progress", { progress: 0 }));
  });
});

const modernCall = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: {
    name: "weather__a",
    _meta: {
      progressToken: 1,
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    },
  },
});
const modernHeaders = {
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": "tools/call",
  "mcp-name": "weather__a",
};
