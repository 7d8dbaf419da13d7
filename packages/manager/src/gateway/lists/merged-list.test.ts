/** Lists as clients get them: complete, in order, partial where a server is away, each principal's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { prefixedName } from "../routing/exposure.ts";
import type { Received } from "../testing/scripted-connection.ts";
import { serverResource, TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";

const tools = (...list: string[]) => ({
  "tools/list": (call: Received): void => call.result({ tools: list.map((name) => ({ name, inputSchema: {} })) }),
});

function names({ body }: Answer, member = "tools", key = "name"): unknown[] {
  const items = body?.result?.[member] as readonly Record<string, unknown>[] | undefined;
  return (items ?? []).map((item) => item[key]);
}

function unavailable({ body }: Answer): unknown {
  const meta = body?.result?.["_meta"] as Record<string, unknown> | undefined;
  return meta?.["mcp-manager/unavailable"];
}

test("G20 the aggregate lists every server's tools under prefixed names, in the order of the servers' names", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("zoo", { script: tools("b", "a") });
  gateway.serve("air", { era: "modern", script: tools("x") });
  const peer = new Peer(gateway.url);
  const answer = await peer.modern("tools/list", {}, { id: "L" });
  assert.deepEqual(names(answer), ["air__x", "zoo__b", "zoo__a"]);
  assert.equal(answer.body?.id, "L");
  const { tools: _, ...rest } = answer.body?.result ?? {};
  assert.deepEqual(rest, { resultType: "complete", ttlMs: 5_000, cacheScope: "private" });
  await peer.initialize();
  const legacy = await peer.legacy("tools/list");
  assert.deepEqual(Object.keys(legacy.body?.result ?? {}), ["tools"]);
  const own = await new Peer(gateway.url, { path: "/servers/zoo/mcp" }).modern("tools/list");
  assert.deepEqual(names(own), ["b", "a"]);
});

test("prompts, resources and templates are listed too; a server without them adds nothing", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("docs", {
    script: {
      "prompts/list": (call) => call.result({ prompts: [{ name: "review" }] }),
      "resources/list": (call) => call.result({ resources: [{ uri: "file:///a", name: "a" }] }),
      "resources/templates/list": (call) =>
        call.result({ resourceTemplates: [{ uriTemplate: "x://{id}", name: "x" }] }),
    },
  });
  gateway.serve("bare", {
    capabilities: { resources: {} },
    script: { "resources/templates/list": (call) => call.error(-32601, "no") },
  });
  const peer = new Peer(gateway.url);
  assert.deepEqual(names(await peer.modern("prompts/list"), "prompts"), ["docs__review"]);
  assert.deepEqual(names(await peer.modern("resources/list"), "resources", "uri"), ["docs+file:///a"]);
  const templates = await peer.modern("resources/templates/list");
  assert.deepEqual(names(templates, "resourceTemplates", "uriTemplate"), ["docs+x://{id}"]);
  assert.equal(unavailable(templates), undefined);
});

test("what a server says of a tool arrives as it was written, but for the name", async () => {
  await using gateway = await TestGateway.open();
  const item = '{"inputSchema":{"maximum":1e400,"n":12345678901234567890}, "name" :"a","x-unknown":[null]}';
  gateway.serve("s", { script: { "tools/list": (call) => call.result(`{"tools":[${item}]}`) } });
  const answer = await new Peer(gateway.url).modern("tools/list");
  assert.ok(answer.text.includes(item.replace('"a"', '"s__a"')), answer.text);
});

test("an operator's names and descriptions replace the server's own; hidden tools are left out", async () => {
  await using gateway = await TestGateway.open();
  const expose = {
    prefix: "wx",
    tools: { deny: ["admin_*"], override: { a: { name: "b", description: "mine" }, c: { description: "new" } } },
  };
  gateway.serve(
    "weather",
    {
      script: {
        "tools/list": (call) =>
          call.result({ tools: [{ name: "a", description: "theirs" }, { name: "c" }, { name: "admin_x" }] }),
      },
    },
    { expose },
  );
  const answer = await new Peer(gateway.url).modern("tools/list");
  assert.deepEqual(answer.body?.result?.["tools"], [
    { name: "wx__b", description: "mine" },
    { description: "new", name: "wx__c" },
  ]);
});

test("a name over 64 characters is cut, and a call under the cut name reaches the tool", async () => {
  await using gateway = await TestGateway.open();
  const long = `do_${"very_".repeat(20)}long`;
  const twin = `${long}er`;
  const server = gateway.serve("server-with-a-name", {
    script: { ...tools(long, twin, "short"), "tools/call": (call) => call.result({ called: call.name }) },
  });
  const peer = new Peer(gateway.url);
  const [first, second] = names(await peer.modern("tools/list")) as string[];
  assert.equal(first, prefixedName("server-with-a-name", long));
  assert.equal(first.length, 64);
  assert.notEqual(first, second);
  await peer.initialize();
  const answer = await peer.legacy("tools/call", { name: second });
  assert.deepEqual(answer.body?.result, { called: twin });
  assert.equal(server.calls("tools/call")[0]?.message.params?.["name"], twin);
});

test("a dead or slow server is named and empties nothing: the rest is there within the deadline", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.serve("good", { script: tools("a") });
  const slow = gateway.serve("slow", { script: { "tools/list": () => {} } });
  gateway.serve("liar", { script: { "tools/list": (call) => call.error(-32000, "no") } });
  gateway.register(serverResource("dead", {}, "failed", "exited with 1"));
  gateway.register(serverResource("late", {}, "starting"));
  const peer = new Peer(gateway.url);
  const asked = { done: false };
  const asking = peer.modern("tools/list").finally(() => (asked.done = true));
  while (!asked.done) await gateway.time.advance(50);
  const answer = await asking;
  assert.deepEqual(names(answer), ["good__a"]);
  assert.equal(answer.body?.result?.["ttlMs"], 0);
  assert.deepEqual(unavailable(answer), [
    { server: "dead", code: "unavailable", message: 'server "dead" has no ready replica: it is failed: exited with 1' },
    { server: "late", code: "unavailable", message: 'server "late" has no ready replica: it is starting' },
    { server: "liar", code: "protocol_error", message: 'server "liar" answered tools/list with error -32000' },
    { server: "slow", code: "unavailable", message: 'server "slow" has not answered tools/list yet' },
  ]);
  // Nobody waits a second time.
  assert.deepEqual(names(await peer.modern("tools/list")), ["good__a"]);
  slow.calls("tools/list")[0]?.result({ tools: [{ name: "z" }] });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(names(await peer.modern("tools/list")), ["good__a", "slow__z"]);
  gateway.attach("late", { script: tools("here") });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(names(await peer.modern("tools/list")), ["good__a", "late__here", "slow__z"]);
});

test("a server that comes within the deadline is waited for", async () => {
  await using gateway = await TestGateway.open({ clock: new ManualClock() });
  gateway.register(serverResource("late", {}, "starting"));
  const answer = new Peer(gateway.url).modern("tools/list");
  while (gateway.time.pendingCount < 2) await new Promise((resolve) => setImmediate(resolve));
  gateway.attach("late", { script: tools("a") });
  assert.deepEqual(names(await answer), ["late__a"]);
});

test("the list of one server alone is an error while it is missing, never empty", async () => {
  await using gateway = await TestGateway.open();
  gateway.register(serverResource("dead", {}, "failed", "exited with 1"));
  const answer = await new Peer(gateway.url, { path: "/servers/dead/mcp" }).modern("tools/list", {}, { id: 3 });
  assert.deepEqual([answer.status, answer.body?.id, answer.body?.error?.code], [503, 3, 503]);
  assert.equal(answer.headers.get("retry-after"), "1");
});

test("H2 tools of a server that went away stay listed, and the list says that it is away", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("s", { script: tools("a") });
  const peer = new Peer(gateway.url);
  await peer.modern("tools/list");
  gateway.upstreams.detach("s", "s-1-a");
  gateway.register({ ...serverResource("s"), status: serverResource("s", {}, "failed").status });
  const away = { server: "s", code: "unavailable", message: 'server "s" has no ready replica: it is failed' };
  const answer = await peer.modern("tools/list");
  assert.deepEqual([names(answer), unavailable(answer)], [["s__a"], [away]]);
  const own = await new Peer(gateway.url, { path: "/servers/s/mcp" }).modern("tools/list");
  assert.deepEqual([own.status, names(own), unavailable(own)], [200, ["a"], [away]]);
  gateway.attach("s", { script: tools("a") });
  gateway.register(serverResource("s"));
  assert.equal(unavailable(await peer.modern("tools/list")), undefined);
});

test("a server that sleeps until it is called is not away", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("s", { script: tools("a") });
  const peer = new Peer(gateway.url);
  await peer.modern("tools/list");
  gateway.upstreams.detach("s", "s-1-a");
  gateway.register({ ...serverResource("s"), status: serverResource("s", {}, "idle").status });
  const answer = await peer.modern("tools/list");
  assert.deepEqual([names(answer), unavailable(answer)], [["s__a"], undefined]);
});

test("G24 two principals never see each other's lists", async () => {
  const roles = new Map([
    ["one", [{ verbs: ["list" as const], tools: ["a"] }]],
    ["two", [{ verbs: ["list" as const], servers: ["t"] }]],
  ]);
  await using gateway = await TestGateway.open({ roles });
  gateway.serve("s", { script: tools("a", "b") });
  gateway.serve("t", { script: tools("a", "c") });
  gateway.principal("eve", ["one"]);
  gateway.principal("bob", ["two"]);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(names(await new Peer(gateway.url, { who: "eve" }).modern("tools/list")), ["s__a", "t__a"]);
    assert.deepEqual(names(await new Peer(gateway.url, { who: "bob" }).modern("tools/list")), ["t__a", "t__c"]);
  }
});

test("G20 a cursor that nobody was given is refused", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("s", { script: tools("a") });
  const answer = await new Peer(gateway.url).modern("tools/list", { cursor: "c" }, { id: 1 });
  assert.deepEqual([answer.status, answer.body?.id, answer.body?.error?.code], [200, 1, -32602]);
});

test("servers that want one prefix are both there: the older one under it", async () => {
  await using gateway = await TestGateway.open();
  gateway.serve("first", { script: tools("a") }, { expose: { prefix: "p" } });
  gateway.serve("second", { script: tools("a") }, { expose: { prefix: "p" } });
  assert.deepEqual(names(await new Peer(gateway.url).modern("tools/list")), ["p__a", "second__a"]);
});
