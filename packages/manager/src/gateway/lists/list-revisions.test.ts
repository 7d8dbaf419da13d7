/** Lists while two revisions of a server offer different things: who is shown which, for how long they may be kept, and by whom. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NextRoute, Route } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { prefixedName } from "../routing/exposure.ts";
import type { SeenRevisions } from "../routing/seen-revisions.ts";
import { serverResource, TestGateway } from "../testing/gateway.ts";
import { ListsBench, modernTools } from "../testing/lists-bench.ts";
import { type Answer, Peer, type PeerOptions } from "../testing/peer.ts";
import type { Script } from "../testing/scripted-connection.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const next: NextRoute = { revision: "s-2", weight: 0, salt: "x", match: [], differs: true };
const only: Route = { stable: "s-1", draining: [] };
const seesTwo: SeenRevisions = { signature: "s-2", of: () => "s-2" };

async function bench(tools: readonly string[] = ["a", "b"]): Promise<ListsBench> {
  const made = new ListsBench();
  made.serve({ s: modernTools(["a"]) });
  made.attach("s", modernTools(tools), "s-2-a");
  await settle();
  made.route("s", only);
  return made;
}

test("while the next revision differs a list is nobody's but its reader's, and kept for a second at most", async () => {
  using lists = await bench();
  const hints = async (): Promise<unknown[]> => {
    const { cacheScope, ttlMs } = await lists.tools();
    return [cacheScope, ttlMs];
  };
  assert.deepEqual(await hints(), ["public", 30_000]);
  lists.route("s", { ...only, next: { ...next, differs: false } });
  assert.deepEqual(await hints(), ["public", 30_000]);
  lists.route("s", { ...only, next });
  assert.deepEqual(await hints(), ["private", 1_000]);
  lists.route("s", { stable: "s-2", draining: ["s-1"] });
  assert.deepEqual(await hints(), ["public", 1_000], "the same for all, though old lists are about");
  lists.route("s", { stable: "s-2", draining: [] });
  assert.deepEqual(await hints(), ["public", 30_000]);
});

test("a list is not clamped while a revision drains that lists the same", async () => {
  using lists = await bench(["a"]);
  lists.route("s", { stable: "s-2", draining: ["s-1"] });
  assert.equal((await lists.tools()).ttlMs, 30_000);
});

test("what is seen of one revision is put together once for all who see it, and never given to others", async () => {
  using lists = await bench();
  lists.route("s", { ...only, next });
  for (let round = 0; round < 3; round += 1) {
    for (const who of [lists.ada, lists.bob]) {
      assert.deepEqual((await lists.tools(who)).names, ["s__a"]);
      assert.deepEqual((await lists.tools(who, { kind: "aggregate" }, seesTwo)).names, ["s__a", "s__b"]);
    }
  }
  // A tool is looked at twice, for the list and for its collisions.
  assert.equal(lists.shaped, 2 * (1 + 2));
});

function names({ body }: Answer): unknown[] {
  const items = body?.result?.["tools"] as readonly Record<string, unknown>[] | undefined;
  return (items ?? []).map(({ name }) => name);
}

const long = "long_".repeat(14);
const page = { name: "page", _meta: { ui: { resourceUri: "ui://page" } } };

/** Offers a tool whose name is cut, one with an app, and a resource, each named for the revision. */
function offering(revision: string): Script {
  const tools = [{ ...page, name: `page-${revision}` }, { name: `${long}${revision}` }];
  return {
    "tools/list": (call) => call.result({ tools }),
    "tools/call": (call) => call.result({ resultType: "complete", content: [], said: `${revision} ${call.name}` }),
    "resources/list": (call) => call.result({ resources: [{ uri: `x:${revision}`, name: "x" }] }),
    "resources/read": (call) => call.result({ resultType: "complete", contents: [], said: revision }),
  };
}

/** A server whose two revisions offer nothing in common, and introduce themselves otherwise. */
async function gatewayOfTwo(): Promise<TestGateway> {
  const gateway = await TestGateway.open();
  const about = (revision: string): object => ({ instructions: `I am ${revision}.`, script: offering(revision) });
  gateway.serve("s", { era: "modern", capabilities: { tools: {}, resources: {} }, ...about("s-1") });
  const capabilities = { tools: {}, resources: {}, completions: {} };
  gateway.attach("s", { era: "modern", capabilities, ...about("s-2") }, "s-2-a", "s-2");
  gateway.route("s", { ...only, next });
  return gateway;
}

const header = { "mcp-manager-revision": "s-2" };

test("cut names, names that pages of apps use and plain URIs are found in the revision that the caller sees", async () => {
  await using gateway = await gatewayOfTwo();
  const [one, two] = [new Peer(gateway.url), new Peer(gateway.url, { headers: header })];
  for (const [peer, revision, other] of [
    [one, "s-1", "s-2"],
    [two, "s-2", "s-1"],
  ] as const) {
    const cut = prefixedName("s", `${long}${revision}`);
    assert.deepEqual(names(await peer.modern("tools/list")), [`s__page-${revision}`, cut]);
    const said = async (method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> =>
      (await peer.modern(method, params)).body?.result?.["said"];
    assert.equal(await said("tools/call", { name: cut }), `${revision} ${long}${revision}`);
    assert.equal(await said("tools/call", { name: prefixedName("s", `${long}${other}`) }), undefined);
    assert.equal(await said("tools/call", { name: `page-${revision}` }), `${revision} page-${revision}`);
    assert.equal(await said("tools/call", { name: `page-${other}` }), undefined);
    assert.equal(await said("resources/read", { uri: `x:${revision}` }), revision);
    assert.equal(await said("resources/read", { uri: `x:${other}` }), undefined);
  }
});

test("a walk through pages does not go on in the list of another revision", async () => {
  await using gateway = await TestGateway.open();
  const many = (revision: string): Script => ({
    "tools/list": (call) =>
      call.result({ tools: Array.from({ length: 1_500 }, (_, at) => ({ name: `${revision}-${at + 1_000}` })) }),
  });
  gateway.serve("s", { script: many("s-1") });
  gateway.attach("s", { script: many("s-2") }, "s-2-a", "s-2");
  const peer = new Peer(gateway.url);
  gateway.route("s", { ...only, next });
  const cursor = (await peer.modern("tools/list")).body?.result?.["nextCursor"];
  assert.equal(names(await peer.modern("tools/list", { cursor })).length, 500);
  gateway.route("s", { ...only, next: { ...next, weight: 100 } });
  assert.equal((await peer.modern("tools/list", { cursor })).body?.error?.code, -32602);
  const anew = (await peer.modern("tools/list")).body?.result?.["nextCursor"];
  gateway.route("s", { stable: "s-2", draining: ["s-1"] });
  assert.equal(names(await peer.modern("tools/list", { cursor: anew })).length, 500, "it is the same revision");
});

test("a list that waits for another server is, when it comes, of the revision that its session is on by then", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.serve("s", { script: offering("s-1") });
  gateway.attach("s", { script: offering("s-2") }, "s-2-a", "s-2");
  gateway.route("s", only);
  gateway.register(serverResource("slow", {}, "starting"));
  const peer = new Peer(gateway.url);
  await peer.initialize();
  const called = await peer.legacy("tools/call", { name: "s__page-s-1" });
  assert.equal(called.body?.result?.["said"], "s-1 page-s-1");
  const listing = peer.legacy("tools/list");
  while (![...gateway.sessions.all()].some(({ hasListed }) => hasListed)) await settle();
  gateway.route("s", { stable: "s-2", draining: ["s-1"] });
  await gateway.time.advance(2_000);
  assert.deepEqual(names(await listing), ["s__page-s-1", prefixedName("s", `${long}s-1`)]);
});

test("a session is put on no revision by being told which one it was shown", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("s", { script: offering("s-1") });
  const peer = new Peer(gateway.url, { path: "/servers/s/mcp" });
  await peer.initialize();
  gateway.route("s", only);
  const { headers } = await peer.legacy("tools/list");
  assert.equal(headers.get("mcp-manager-revision"), "s-1");
  assert.deepEqual(
    [...gateway.sessions.all()].map(({ pins }) => pins.size),
    [0],
  );
});

test("previews list what their revision offers, in either era", async () => {
  await using gateway = await gatewayOfTwo();
  for (const [path, headers] of [
    ["/servers/s@s-2/mcp", {}],
    ["/servers/s/mcp", header],
  ] as const) {
    const peer = new Peer(gateway.url, { path, headers });
    assert.deepEqual(names(await peer.modern("tools/list")), ["page-s-2", `${long}s-2`]);
    await peer.initialize();
    assert.deepEqual(names(await peer.legacy("tools/list")), ["page-s-2", `${long}s-2`]);
  }
});

test("a server introduces itself by the revision that the caller's calls go to, on its own endpoint and on the aggregate", async () => {
  await using gateway = await gatewayOfTwo();
  const introduced = async (path: string): Promise<unknown[]> => {
    const peer = new Peer(gateway.url, { path });
    const answers = [await peer.modern("server/discover"), await peer.initialize()];
    return answers.flatMap(({ body }) => {
      const { instructions, capabilities } = body?.result ?? {};
      return [instructions, Object.hasOwn(Object(capabilities), "completions")];
    });
  };
  for (const [weight, revision] of [
    [0, "s-1"],
    [100, "s-2"],
  ] as const) {
    gateway.route("s", { ...only, next: { ...next, weight } });
    const isTwo = weight === 100;
    const own = `I am ${revision}.`;
    const merged = `# s\n${own}`;
    assert.deepEqual(await introduced("/servers/s/mcp"), [own, isTwo, own, isTwo]);
    assert.deepEqual(await introduced("/mcp"), [merged, isTwo, merged, isTwo]);
  }
  gateway.serve("t");
  gateway.principal("eve", ["nothing"]);
  const ttlOf = async (options: PeerOptions = {}): Promise<unknown> =>
    (await new Peer(gateway.url, options).modern("server/discover")).body?.result?.["ttlMs"];
  assert.equal(await ttlOf(), 1_000);
  assert.equal(await ttlOf({ path: "/servers/t/mcp" }), 5_000, "another server's");
  assert.equal(await ttlOf({ who: "eve" }), 5_000, "of one that is not there for her");
  gateway.upstreams.detach("s", "s-2-a");
  assert.deepEqual((await introduced("/servers/s/mcp"))[0], "I am s-2.", "what was heard of it is kept");
});

test("tools by REST are listed of the revision that they are called at", async () => {
  await using gateway = await gatewayOfTwo();
  const ada = gateway.principal("ada", ["admin"]);
  const listed = async (): Promise<unknown[]> =>
    (await gateway.tools.list("s", ada)).map((tool) => (tool as { name: string }).name);
  assert.deepEqual(await listed(), ["page-s-1", `${long}s-1`]);
  gateway.route("s", { ...only, next: { ...next, weight: 100 } });
  assert.deepEqual(await listed(), ["page-s-2", `${long}s-2`]);
});
