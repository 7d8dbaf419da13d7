/** Two revisions of a server at once: who comes to which, what stays where it began, and what is said when that is gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NextRoute, Route } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import type { Roles } from "../security/rbac.ts";
import { listen, toolsChanged } from "./testing/hearer.ts";
import { eras, peerOf, TestGateway } from "./testing/gateway.ts";
import { type Answer, Peer } from "./testing/peer.ts";
import type { Script, ScriptedConnection } from "./testing/scripted-connection.ts";

const header = "mcp-manager-revision";
const name = { name: "weather__say" };
const path = "/servers/weather/mcp";
const next: NextRoute = { revision: "weather-2", weight: 0, salt: "s", match: [], differs: true };
const onlyOne: Route = { stable: "weather-1", draining: [] };
const promoted: Route = { stable: "weather-2", draining: ["weather-1"] };
const over: Route = { stable: "weather-2", draining: [] };

function says(revision: string): Script {
  return {
    "tools/call": (call) => call.result({ resultType: "complete", content: [], said: revision }),
    "resources/read": (call) => call.result({ resultType: "complete", contents: [], said: revision }),
    "prompts/get": (call) => call.result({ resultType: "complete", messages: [], said: revision }),
    "completion/complete": (call) => call.result({ completion: { values: [revision] } }),
  };
}

interface Pair {
  readonly gateway: TestGateway;
  readonly one: ScriptedConnection;
  readonly two: ScriptedConnection;
}

/** A server of which two revisions are ready. */
async function pair(
  options: { clock?: ManualClock; era?: "legacy" | "modern"; roles?: Roles; sessionsMax?: number } = {},
): Promise<Pair> {
  const { era = "modern" } = options;
  const gateway = await TestGateway.open(options);
  const capabilities = { tools: {}, prompts: {}, resources: {}, completions: {} };
  const one = gateway.serve("weather", { era, capabilities, script: says("weather-1") });
  const two = gateway.attach("weather", { era, capabilities, script: says("weather-2") }, "weather-2-a", "weather-2");
  gateway.route("weather", onlyOne);
  gateway.principal("bob", ["caller"]);
  return { gateway, one, two };
}

function said({ body }: Answer): unknown {
  return body?.result?.["said"];
}

for (const era of eras) {
  test(`a ${era} client's calls, reads, prompts and completions all go to the revision that it is assigned to`, async () => {
    const { gateway } = await pair();
    await using _ = gateway;
    for (const weight of [0, 100]) {
      gateway.route("weather", { ...onlyOne, next: { ...next, weight } });
      const peer = await peerOf(era, gateway);
      const revision = weight === 0 ? "weather-1" : "weather-2";
      const ref = { type: "ref/prompt", name: "weather__say" };
      const completed = await peer[era]("completion/complete", { ref, argument: { name: "a", value: "" } });
      assert.deepEqual(completed.body?.result?.["completion"], { values: [revision] });
      for (const [method, params] of [
        ["tools/call", name],
        ["prompts/get", name],
        ["resources/read", { uri: "weather+file:///a" }],
      ] as const) {
        const answer = await peer[era](method, params);
        assert.deepEqual([said(answer), answer.headers.get(header)], [revision, revision], method);
      }
    }
  });
}

test("calls by REST go where their principal's other calls go, and matching goes before weights", async () => {
  const { gateway } = await pair();
  await using _ = gateway;
  const ada = gateway.principal("ada", ["admin"]);
  const called = async (): Promise<unknown> =>
    (JSON.parse((await gateway.tools.call("weather", "say", {}, ada)).toString()) as { said: unknown }).said;
  assert.equal(await called(), "weather-1");
  gateway.route("weather", { ...onlyOne, next: { ...next, weight: 100 } });
  assert.equal(await called(), "weather-2");
  gateway.route("weather", {
    ...onlyOne,
    next: { ...next, match: [{ header: { "x-lane": "beta" } }, { client: "peer" }] },
  });
  const peer = new Peer(gateway.url);
  assert.equal(said(await peer.modern("tools/call", name)), "weather-1");
  assert.equal(said(await peer.modern("tools/call", name, { headers: { "x-lane": "beta" } })), "weather-2");
  const clientInfo = { "io.modelcontextprotocol/clientInfo": { name: "peer", version: "1" } };
  assert.equal(said(await peer.modern("tools/call", name, { meta: clientInfo })), "weather-2");
  assert.equal(said(await (await peerOf("legacy", gateway)).legacy("tools/call", name)), "weather-2");
});

test("which revision answered is told only to whoever may see revisions", async () => {
  const { gateway } = await pair();
  await using _ = gateway;
  const answers = await Promise.all(
    ["ada", "bob"].map((who) => new Peer(gateway.url, { who }).modern("tools/call", name)),
  );
  assert.deepEqual(
    answers.map((answer) => [said(answer), answer.headers.get(header)]),
    [
      ["weather-1", "weather-1"],
      ["weather-1", null],
    ],
  );
});

for (const era of eras) {
  test(`a revision is previewed by its path and by a header, in a session too (${era} client)`, async () => {
    const { gateway } = await pair();
    await using _ = gateway;
    for (const revision of ["weather-1", "weather-2"]) {
      for (const [at, called, headers] of [
        [`/servers/weather@${revision}/mcp`, "say", {}],
        [`/servers/weather%40${revision}/mcp`, "say", {}],
        [path, "say", { [header]: revision }],
        ["/mcp", "weather__say", { [header]: revision }],
      ] as const) {
        const peer = new Peer(gateway.url, { path: at, headers });
        if (era === "legacy") await peer.initialize();
        assert.equal(said(await peer[era]("tools/call", { name: called })), revision, at);
      }
    }
  });
}

test("a preview without the right, or of what is not there, is answered as an unknown server is", async () => {
  const { gateway } = await pair();
  await using _ = gateway;
  gateway.serve("time");
  const asked = async (who: string, at: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown[]> => {
    const { status, body } = await new Peer(gateway.url, { who, path: at, headers }).modern("tools/call", {
      name: "say",
    });
    return [status, body?.error?.code, body?.error?.message.replaceAll(/"[^"]*"/g, "X")];
  };
  const unknown = await asked("ada", "/servers/nothing/mcp");
  assert.deepEqual(unknown, [404, 404, "server X does not exist"]);
  assert.deepEqual(await asked("bob", "/servers/weather@weather-2/mcp"), unknown);
  for (const at of ["weather@weather-3", "weather@time-1", "weather@x", "nothing@nothing-1"])
    assert.deepEqual(await asked("ada", `/servers/${at}/mcp`), unknown, at);
  const noSuch = [404, 404, "revision X does not exist"];
  assert.deepEqual(await asked("bob", path, { [header]: "weather-2" }), noSuch);
  for (const [at, revision] of [
    [path, "weather-3"],
    [path, "time-1"],
    ["/mcp", "weather-3"],
    ["/mcp", ""],
  ] as const)
    assert.deepEqual(await asked("ada", at, { [header]: revision }), noSuch, `${at} ${revision}`);
  const response = await new Peer(gateway.url, { path: "/servers/weather@weather-3/mcp" }).request("GET", undefined, {
    headers: { "mcp-session-id": "x" },
  });
  assert.equal(response.status, 404);
  await response.body?.cancel();
});

test("D4 a session stays on its revision while that drains; when it has left, the session is 404 and its stream closed", async () => {
  const { gateway, one } = await pair();
  await using _ = gateway;
  const peer = await peerOf("legacy", gateway);
  assert.equal(said(await peer.legacy("tools/call", name)), "weather-1");
  const stream = await peer.request("GET", undefined, { headers: { accept: "text/event-stream" } });
  gateway.route("weather", promoted);
  assert.equal(said(await peer.legacy("tools/call", name)), "weather-1");
  const late = await peerOf("legacy", gateway);
  assert.equal(said(await late.legacy("tools/call", name)), "weather-2");
  one.script = {};
  const answer = peer.legacy("tools/call", name);
  const call = await one.call("tools/call", 3);
  gateway.route("weather", over);
  await stream.text();
  assert.equal((await peer.legacy("ping")).status, 404);
  call.result({ content: [], said: "at last" });
  assert.equal(said(await answer), "at last", "a call in flight comes to its end");
  assert.equal((await late.legacy("ping")).status, 200);
  assert.equal(said(await late.legacy("tools/call", name)), "weather-2");
});

test("D4 a session that called before there was a route stays where that call went", async () => {
  await using gateway = await TestGateway.open();
  const capabilities = { tools: {} };
  gateway.serve("weather", { capabilities, script: says("weather-1") });
  const peer = await peerOf("legacy", gateway);
  assert.equal(said(await peer.legacy("tools/call", name)), "weather-1");
  gateway.attach("weather", { capabilities, script: says("weather-2") }, "weather-2-a", "weather-2");
  gateway.route("weather", { ...onlyOne, next: { ...next, weight: 100 } });
  assert.equal(said(await peer.legacy("tools/call", name)), "weather-1");
  gateway.route("weather", over);
  assert.equal((await peer.legacy("ping")).status, 404);
});

test("D4 a session that was put aside comes back where it was; when its revision has left meanwhile, it is 404", async () => {
  const { gateway } = await pair({ sessionsMax: 1 });
  await using _ = gateway;
  const [calls, lists] = [await peerOf("legacy", gateway), await peerOf("legacy", gateway)];
  assert.equal(said(await calls.legacy("tools/call", name)), "weather-1");
  await lists.legacy("tools/list");
  assert.equal(gateway.sessions.count, 1);
  gateway.route("weather", { ...onlyOne, next: { ...next, weight: 100 } });
  assert.equal(said(await calls.legacy("tools/call", name)), "weather-1", "as it called");
  assert.equal(said(await lists.legacy("tools/call", name)), "weather-1", "as it was shown");
  assert.equal((await calls.legacy("ping")).status, 200);
  gateway.route("weather", over);
  assert.equal((await calls.legacy("ping")).status, 404);
  assert.equal((await lists.legacy("ping")).status, 404);
});

test("a session of one server is on a revision from its beginning, and after a restart too", async () => {
  const { gateway } = await pair();
  await using _ = gateway;
  const peer = new Peer(gateway.url, { path });
  await peer.initialize();
  const headers = { "mcp-session-id": peer.sessionId };
  const restarted = await pair();
  await using __ = restarted.gateway;
  restarted.gateway.route("weather", promoted);
  const back = new Peer(restarted.gateway.url, { path, headers });
  assert.equal(said(await back.legacy("tools/call", { name: "say" })), "weather-1");
  const later = await pair();
  await using ___ = later.gateway;
  later.gateway.route("weather", over);
  assert.equal((await new Peer(later.gateway.url, { path, headers }).legacy("ping")).status, 404);
});

test("a session that had to wait for its server begins at the revision that introduces itself", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.route("weather", onlyOne);
  const peer = new Peer(gateway.url, { path });
  const before = gateway.time.pendingCount;
  const beginning = peer.initialize();
  while (gateway.time.pendingCount === before) await new Promise((resolve) => setImmediate(resolve));
  gateway.attach("weather", { instructions: "I am two.", script: says("weather-2") }, "weather-2-a", "weather-2");
  gateway.route("weather", over);
  await gateway.time.advance(2_000);
  assert.equal((await beginning).body?.result?.["instructions"], "I am two.");
  assert.equal(said(await peer.legacy("tools/call", { name: "say" })), "weather-2");
});

const asks: Script = {
  "tools/call": (call) => {
    const { requestState } = call.message.params ?? {};
    if (requestState === undefined)
      return call.result({ resultType: "input_required", inputRequests: {}, requestState: "own" });
    call.result({ resultType: "complete", content: [], said: requestState });
  },
};

test("D5 a retry goes to the revision that asked, through a promotion; once that has left, it has expired, typed", async () => {
  const { gateway, one, two } = await pair();
  await using _ = gateway;
  one.script = asks;
  two.script = { ...says("weather-2"), "tools/list": (call) => call.result({ tools: [] }) };
  const peer = new Peer(gateway.url);
  const { body } = await peer.modern("tools/call", name);
  const retry = { ...name, requestState: body?.result?.["requestState"] };
  gateway.route("weather", promoted);
  assert.equal(said(await peer.modern("tools/call", retry)), "own");
  assert.equal(two.calls("tools/call").length, 0);
  gateway.route("weather", over);
  const late = await peer.modern("tools/call", retry);
  assert.deepEqual([late.status, late.body?.error?.code, late.body?.error?.data?.["reason"]], [200, -32602, "EXPIRED"]);
  assert.equal(one.calls("tools/call").length, 2);
});

test("a state is nobody's at a server that was made again under the name of its own", async () => {
  const { gateway, one } = await pair();
  await using _ = gateway;
  one.script = asks;
  const peer = new Peer(gateway.url);
  const { body } = await peer.modern("tools/call", name);
  gateway.unregister("weather");
  for (const replica of ["weather-1-a", "weather-2-a"]) gateway.upstreams.detach("weather", replica);
  const again = gateway.serve("weather", { era: "modern", script: asks });
  gateway.route("weather", onlyOne);
  const retry = await peer.modern("tools/call", { ...name, requestState: body?.result?.["requestState"] });
  assert.equal(retry.body?.error?.data?.["reason"], "EXPIRED");
  assert.equal(again.calls("tools/call").length, 0);
});

test("a state whose time is over has expired, typed; one that was never given has not", async () => {
  const { gateway, one } = await pair({ clock: new ManualClock() });
  await using _ = gateway;
  one.script = asks;
  const peer = new Peer(gateway.url);
  const { body } = await peer.modern("tools/call", name);
  const state = body?.result?.["requestState"];
  await gateway.time.advance(601_000);
  const answers = await Promise.all(
    [state, "made up"].map((requestState) => peer.modern("tools/call", { ...name, requestState })),
  );
  assert.deepEqual(
    answers.map((answer) => [answer.body?.error?.code, answer.body?.error?.data?.["reason"]]),
    [
      [-32602, "EXPIRED"],
      [-32602, undefined],
    ],
  );
});

test("what listens at a revision that takes nothing new is told that lists changed, then ends, each in its own time within 5 s", async () => {
  const { gateway } = await pair({ clock: new ManualClock() });
  await using _ = gateway;
  gateway.route("weather", { ...onlyOne, next });
  const streams = await Promise.all(
    Array.from({ length: 20 }, () => listen(gateway, { toolsListChanged: true }, { path })),
  );
  for (const stream of streams) await stream.next();
  const aggregate = await listen(gateway, { toolsListChanged: true });
  await aggregate.next();
  assert.equal(gateway.subscriptions.listensAt("weather", "weather-1"), 20);
  gateway.route("weather", promoted);
  await gateway.time.advance(2_500);
  const left = gateway.subscriptions.streamCount;
  assert.ok(left > 3 && left < 18, `${left} of 21 are open after half of the time`);
  await gateway.time.advance(2_500);
  assert.equal(gateway.subscriptions.streamCount, 1);
  for (const stream of streams) {
    assert.equal((await stream.next()).method, toolsChanged);
    assert.equal((await stream.next()).result?.["resultType"], "complete");
    assert.ok(await stream.isOver());
  }
  await aggregate.close();
});

test("what listens at a preview ends with a result when there is nothing to preview any more", async () => {
  const { gateway } = await pair({ clock: new ManualClock() });
  await using _ = gateway;
  const preview = await listen(gateway, { toolsListChanged: true }, { path: "/servers/weather@weather-2/mcp" });
  await preview.next();
  await gateway.time.advance(20_000);
  assert.equal(gateway.subscriptions.streamCount, 1);
  gateway.upstreams.detach("weather", "weather-2-a");
  await gateway.time.advance(20_000);
  assert.equal(gateway.subscriptions.streamCount, 0);
  assert.equal((await preview.next()).result?.["resultType"], "complete");
});

test("what listens where nothing differs ends without a word, and what listens at a revision that stays goes on", async () => {
  const { gateway } = await pair({ clock: new ManualClock() });
  await using _ = gateway;
  gateway.route("weather", { ...onlyOne, next: { ...next, differs: false } });
  const leaving = await listen(gateway, { toolsListChanged: true }, { path });
  await leaving.next();
  gateway.route("weather", { ...promoted, next: { ...next, revision: "weather-3" } });
  const staying = await listen(gateway, { toolsListChanged: true }, { path });
  await staying.next();
  await gateway.time.advance(5_000);
  assert.equal((await leaving.next()).result?.["resultType"], "complete");
  gateway.route("weather", over);
  await gateway.time.advance(10_000);
  assert.equal(gateway.subscriptions.streamCount, 1);
  await staying.close();
});
