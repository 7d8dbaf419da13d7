/** Who is told that lists changed because calls go to another revision, of which lists, and how often; who stays where it was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NextRoute, Route } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import type { Roles } from "../../security/rbac.ts";
import { bucketOf } from "../routing/assignment.ts";
import { sessionsOn } from "../sessions/pins.ts";
import { type Hearer, listen, subscribed, toolsChanged } from "../testing/hearer.ts";
import { TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";
import type { Script } from "../testing/scripted-connection.ts";

const promptsChanged = "notifications/prompts/list_changed";
const only: Route = { stable: "weather-1", draining: [] };
const next: NextRoute = { revision: "weather-2", weight: 0, salt: "s", match: [], differs: true };
const asked = { toolsListChanged: true, promptsListChanged: true };

/** Lists these tools, and prompts that never change. */
function offering(...tools: readonly string[]): Script {
  return {
    "tools/list": (call) => call.result({ tools: tools.map((name) => ({ name })) }),
    "prompts/list": (call) => call.result({ prompts: [{ name: "p" }] }),
    "tools/call": (call) => call.result({ resultType: "complete", content: [], said: tools.join(" ") }),
  };
}

async function gatewayOfTwo(second: readonly string[] = ["a", "b"], roles?: Roles): Promise<TestGateway> {
  const gateway = await TestGateway.open({ clock: new ManualClock(), ...(roles === undefined ? {} : { roles }) });
  gateway.serve("weather", { script: offering("a") });
  gateway.attach("weather", { script: offering(...second) }, "weather-2-a", "weather-2");
  gateway.route("weather", { ...only, next });
  await gateway.time.advance(5_000);
  return gateway;
}

/** Two principals, of whom the first is sent to the next revision at half of the weight. */
function halves(gateway: TestGateway): readonly [string, string] {
  const names = Array.from({ length: 50 }, (_, at) => `user-${at}`);
  const isFirst = (name: string): boolean =>
    bucketOf("weather", next.salt, gateway.principal(name, ["admin"]).hash) < 5_000;
  const [first, second] = [names.find(isFirst), names.find((name) => !isFirst(name))];
  assert.ok(first !== undefined && second !== undefined);
  return [first, second];
}

/** A listen stream of a modern client that has been acknowledged. */
async function listening(gateway: TestGateway, who: string, path: string): Promise<Hearer> {
  const hearer = await listen(gateway, asked, { who, path });
  await hearer.next();
  return hearer;
}

for (const path of ["/mcp", "/servers/weather/mcp"]) {
  test(`who is sent to another revision by its weight is told of the lists that differ, once; others hear nothing (${path})`, async () => {
    await using gateway = await gatewayOfTwo();
    const [moves, stays] = halves(gateway);
    const [moving, staying] = [await listening(gateway, moves, path), await listening(gateway, stays, path)];
    for (const weight of [10, 30, 50]) {
      gateway.route("weather", { ...only, next: { ...next, weight } });
      await gateway.time.advance(100);
    }
    await gateway.time.advance(1_000);
    assert.equal((await moving.next()).method, toolsChanged);
    gateway.route("weather", { ...only, next: { ...next, weight: 100 } });
    await gateway.time.advance(1_000);
    assert.equal((await staying.next()).method, toolsChanged, "the first that it hears");
    gateway.subscriptions.endStreams();
    for (const hearer of [moving, staying]) {
      assert.equal((await hearer.next()).result?.["resultType"], "complete", "and nothing else");
    }
  });
}

test("nobody is told of a move to what lists the same, or is said to", async () => {
  for (const [second, differs] of [
    [["a"], true],
    [["a", "b"], false],
  ] as const) {
    await using gateway = await gatewayOfTwo(second);
    gateway.route("weather", { ...only, next: { ...next, differs } });
    await gateway.time.advance(2_000);
    const hearer = await listening(gateway, "ada", "/mcp");
    gateway.route("weather", { ...only, next: { ...next, differs, weight: 100 } });
    await gateway.time.advance(2_000);
    gateway.subscriptions.endStreams();
    assert.equal((await hearer.next()).result?.["resultType"], "complete");
  }
});

test("a list that changes is told to those who are shown that revision's", async () => {
  await using gateway = await gatewayOfTwo();
  const [on, off] = halves(gateway);
  gateway.route("weather", { ...only, next: { ...next, weight: 50 } });
  await gateway.time.advance(2_000);
  const [two, one] = [await listening(gateway, on, "/mcp"), await listening(gateway, off, "/mcp")];
  const preview = await listening(gateway, off, "/servers/weather@weather-2/mcp");
  gateway.upstreams.notified("weather", toolsChanged, Buffer.alloc(0), "weather-2");
  await gateway.time.advance(2_000);
  for (const hearer of [two, preview]) assert.equal((await hearer.next()).method, toolsChanged);
  gateway.upstreams.notified("weather", promptsChanged, Buffer.alloc(0), "weather-1");
  await gateway.time.advance(2_000);
  assert.equal((await one.next()).method, promptsChanged);
  gateway.subscriptions.endStreams();
  for (const hearer of [two, one, preview]) assert.equal((await hearer.next()).result?.["resultType"], "complete");
});

const list = async (peer: Peer): Promise<unknown[]> => {
  const tools = (await peer.legacy("tools/list")).body?.result?.["tools"] as readonly { name: string }[] | undefined;
  return (tools ?? []).map(({ name }) => name);
};
const called = async (peer: Peer): Promise<unknown> =>
  (await peer.legacy("tools/call", { name: "weather__a" })).body?.result?.["said"];

test("a session that was shown lists and listens is told and goes on elsewhere; one that cannot be told stays where they came from", async () => {
  await using gateway = await gatewayOfTwo();
  const [listener, stream] = await subscribed(gateway, []);
  const deaf = new Peer(gateway.url);
  const fresh = new Peer(gateway.url);
  for (const peer of [deaf, fresh]) await peer.initialize();
  for (const peer of [listener, deaf]) assert.deepEqual(await list(peer), ["weather__a"]);
  gateway.route("weather", { stable: "weather-2", draining: ["weather-1"] });
  await gateway.time.advance(1_000);
  assert.deepEqual(await stream.heard(), [toolsChanged]);
  assert.deepEqual([await list(listener), await called(listener)], [["weather__a", "weather__b"], "a b"]);
  assert.deepEqual([await list(deaf), await called(deaf)], [["weather__a"], "a"]);
  assert.deepEqual([await called(fresh), await list(fresh)], ["a b", ["weather__a", "weather__b"]]);
  gateway.route("weather", { stable: "weather-2", draining: [] });
  assert.equal((await deaf.legacy("ping")).status, 404);
  assert.equal((await listener.legacy("ping")).status, 200);
  await stream.close();
});

test("a session whose header chose the lists that it was shown stays on their revision", async () => {
  await using gateway = await gatewayOfTwo();
  const match = [{ header: { "x-lane": "beta" } }];
  gateway.route("weather", { ...only, next: { ...next, match } });
  const peer = new Peer(gateway.url, { headers: { "x-lane": "beta" } });
  await peer.initialize();
  assert.deepEqual(await list(peer), ["weather__a", "weather__b"]);
  gateway.route("weather", { stable: "weather-1", draining: ["weather-2"] });
  assert.deepEqual([await list(peer), await called(peer)], [["weather__a", "weather__b"], "a b"]);
});

test("a session stays nowhere for lists of a server that its principal may not see", async () => {
  const roles = new Map([
    ["admin", [{ verbs: ["list" as const, "call" as const] }]],
    ["others", [{ verbs: ["list" as const], servers: ["other"] }]],
  ]);
  await using gateway = await gatewayOfTwo(["a", "b"], roles);
  gateway.principal("eve", ["others"]);
  for (const who of ["eve", "ada"]) {
    const peer = new Peer(gateway.url, { who });
    await peer.initialize();
    await list(peer);
  }
  gateway.route("weather", { stable: "weather-2", draining: ["weather-1"] });
  assert.equal(sessionsOn(gateway.sessions, "weather", "weather-1"), 1);
});

test("a session that has called stays on its revision and is told nothing", async () => {
  await using gateway = await gatewayOfTwo();
  const [peer, stream] = await subscribed(gateway, []);
  assert.equal(await called(peer), "a");
  gateway.route("weather", { ...only, next: { ...next, weight: 100 } });
  await gateway.time.advance(2_000);
  assert.deepEqual([await list(peer), await called(peer)], [["weather__a"], "a"]);
  gateway.serve("other", { script: offering("o") });
  await gateway.time.advance(2_000);
  assert.deepEqual(await stream.heard(), [toolsChanged], "of the other server, and of that alone");
  assert.deepEqual(await stream.heard(), [promptsChanged]);
  await stream.close();
});
