/** What reaches the measures of a deployment from calls and sessions on the wire. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import type { RevisionMeasures } from "../telemetry/revision-measures.ts";
import { eras, peerOf, TestGateway } from "./testing/gateway.ts";
import { type Answer, Peer } from "./testing/peer.ts";
import type { Received, ScriptedConnection } from "./testing/scripted-connection.ts";

const only: Route = { stable: "weather-1", draining: [] };
const content: readonly unknown[] = [];
const complete = { resultType: "complete", content };

function canary(weight: number): Route {
  return { ...only, next: { revision: "weather-2", weight, salt: "s", match: [], differs: false } };
}

interface Pair {
  readonly gateway: TestGateway;
  readonly one: ScriptedConnection;
  readonly two: ScriptedConnection;
}

/** Two revisions of a modern server, with all that is new going to the second. */
async function pair(era: "legacy" | "modern" = "modern"): Promise<Pair> {
  const gateway = await TestGateway.open({ clock: new ManualClock() });
  const script = { "tools/call": (call: Received) => call.result(complete) };
  const one = gateway.serve("weather", { era, script });
  const two = gateway.attach("weather", { era, script }, "weather-2-a", "weather-2");
  gateway.route("weather", canary(100));
  return { gateway, one, two };
}

function of(gateway: TestGateway, revision = "weather-2"): Partial<RevisionMeasures> {
  const { resultBytes: _, tools: __, ...counts } = gateway.measures.of("weather", revision) ?? assert.fail(revision);
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

const say = { name: "weather__say" };

for (const era of eras) {
  test(`every way that a ${era} client's call can end is counted at the revision that had it`, async () => {
    const { gateway, two } = await pair();
    await using _ = gateway;
    const peer = await peerOf(era, gateway);
    const ends = async (how: (call: Received) => unknown): Promise<Answer> => {
      two.script = { "tools/call": how };
      return await peer[era]("tools/call", say);
    };
    await ends((call) => call.result(complete));
    await ends((call) => call.result({ ...complete, isError: true }));
    await ends((call) => call.error(-32602, "no such city"));
    await ends((call) => call.error(-32603, "it broke"));
    await ends((call) => call.fail(new ManagerError("unavailable", "the process ended")));
    const begins = era === "legacy" ? { sessions: 1 } : { principals: 1 };
    const counts = { requests: 5, failures: 2, clientErrors: 1, toolErrors: 1 };
    assert.deepEqual(of(gateway), { ...counts, ...begins });
    assert.deepEqual(of(gateway, "weather-1"), {});
  });
}

test("D1 a canary that never answers, and one of which nothing is left, fails its calls", async () => {
  const { gateway, two } = await pair();
  await using _ = gateway;
  two.script = {};
  const peer = new Peer(gateway.url);
  const late = peer.modern("tools/call", say);
  await two.call("tools/call");
  await gateway.time.advance(60_000);
  assert.equal((await late).body?.error?.code, 504);
  gateway.upstreams.detach("weather", "weather-2-a");
  assert.equal((await peer.modern("tools/call", say)).status, 503);
  await assert.rejects(gateway.tools.call("weather", "say", {}, gateway.principal("bob", ["admin"])));
  assert.deepEqual(of(gateway), { requests: 3, failures: 3, principals: 2 });
});

test("a call that its client gives up is no request of the revision", async () => {
  const { gateway, two } = await pair();
  await using _ = gateway;
  two.script = {};
  const gaveUp = new AbortController();
  const answer = new Peer(gateway.url).modern("tools/call", say, { signal: gaveUp.signal });
  const call = await two.call("tools/call");
  gaveUp.abort();
  await assert.rejects(answer);
  await two.until(() => call.cancelled !== undefined);
  assert.deepEqual(of(gateway), { cancelled: 1, principals: 1 });
});

test("answers are measured in bytes as they come from the server, in pieces too, and tools by the server's time", async () => {
  const { gateway, two } = await pair();
  await using _ = gateway;
  two.script = {};
  const peer = new Peer(gateway.url, { path: "/servers/weather/mcp" });
  const answer = peer.modern("tools/call", { name: "say" });
  const call = await two.call("tools/call");
  await gateway.time.advance(200);
  const half = "x".repeat(100_000);
  const begun = `{"jsonrpc":"2.0","id":${call.idText},"result":{"resultType":"complete","said":"${half}`;
  const rest = `${half}"}}`;
  call.chunk(begun, false);
  // What a client takes to read is not the server's.
  await gateway.time.advance(5_000);
  call.chunk(rest, true);
  assert.equal((await answer).status, 200);
  const { resultBytes, tools } = gateway.measures.of("weather", "weather-2") ?? assert.fail();
  assert.equal(resultBytes, begun.length + rest.length);
  const [{ tool, samples, p95Ms } = assert.fail()] = tools;
  assert.deepEqual([tool, samples, Math.abs(p95Ms - 200) <= 10], ["say", 1, true], String(p95Ms));
});

test("a call whose client was asked something is counted, and not timed", async () => {
  const { gateway, two } = await pair("legacy");
  await using _ = gateway;
  two.script = {};
  const peer = new Peer(gateway.url);
  const meta = { "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } } };
  const first = peer.modern("tools/call", say, { meta });
  const call = await two.call("tools/call");
  call.ask(7, "elicitation/create", { message: "Which city?", requestedSchema: { type: "object", properties: {} } });
  await gateway.time.advance(1_000);
  const { requestState, inputRequests } = (await first).body?.result ?? {};
  const answers = Object.keys(inputRequests as object).map((key) => [key, { action: "accept", content: {} }]);
  const again = { ...say, requestState, inputResponses: Object.fromEntries(answers) as unknown };
  const last = peer.modern("tools/call", again, { meta });
  await two.until(() => two.notified.length === 1);
  call.result({ content });
  assert.equal((await last).status, 200);
  assert.deepEqual(of(gateway), { requests: 2, principals: 1 });
  assert.deepEqual(gateway.measures.of("weather", "weather-2")?.tools, []);
});

test("calls by REST are counted and timed like any", async () => {
  const { gateway } = await pair();
  await using _ = gateway;
  await gateway.tools.call("weather", "say", {}, gateway.principal("bob", ["admin"]));
  assert.deepEqual(of(gateway), { requests: 1, principals: 1 });
  const { resultBytes, tools } = gateway.measures.of("weather", "weather-2") ?? assert.fail();
  assert.deepEqual([resultBytes > 0, tools.map(({ tool }) => tool)], [true, ["say"]]);
});

test("a session counts where it is put, once, and not again where it comes back to; a preview is nobody's new session", async () => {
  const { gateway } = await pair();
  await using _ = gateway;
  const path = "/servers/weather/mcp";
  const onServer = new Peer(gateway.url, { path });
  await onServer.initialize();
  assert.deepEqual(of(gateway), { sessions: 1 });
  const onAll = await peerOf("legacy", gateway);
  assert.deepEqual(of(gateway), { sessions: 1 }, "it has not used the server");
  for (let i = 0; i < 2; i++) await onAll.legacy("tools/call", say);
  const preview = new Peer(gateway.url, { path: "/servers/weather@weather-2/mcp" });
  await preview.initialize();
  await preview.legacy("tools/call", { name: "say" });
  assert.deepEqual(of(gateway), { sessions: 2, requests: 3 });
  gateway.measures.reset("weather");
  gateway.route("weather", canary(0));
  await onAll.legacy("tools/call", say);
  await (await peerOf("legacy", gateway)).legacy("tools/call", say);
  assert.deepEqual([of(gateway), of(gateway, "weather-1")], [{ requests: 1 }, { requests: 1, sessions: 1 }]);
});

test("nothing of a server is measured while one revision has it, however long its calls take", async () => {
  const { gateway, one } = await pair();
  await using _ = gateway;
  gateway.route("weather", only);
  one.script = {};
  const answer = new Peer(gateway.url).modern("tools/call", say);
  const call = await one.call("tools/call");
  gateway.route("weather", canary(0));
  call.result(complete);
  await answer;
  assert.deepEqual(of(gateway, "weather-1"), {}, "it began before");
});
