/** How lists are kept: pages, changes, age, failures, and a server's replicas that come and go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { httpFailure } from "../../transport/http-status.ts";
import { CatalogBench as Bench, settle, toolsOf } from "../testing/catalog-bench.ts";
import type { Received } from "../testing/scripted-connection.ts";

test("every page is fetched, from the replica that gave the first", async () => {
  using bench = new Bench();
  const paged = (call: Received): void => {
    const cursor = Number(call.message.params?.["cursor"] ?? 0);
    call.result({
      tools: [{ name: `t${cursor}` }],
      ...(cursor < 59 ? { nextCursor: String(cursor + 1) } : {}),
    });
  };
  const first = bench.attach({ "tools/list": paged });
  const held = bench.attach({ "tools/list": () => {} }, "s-1-b");
  held.inFlight = 1;
  const tools = await bench.tools();
  assert.equal(tools.length, 60);
  assert.ok(first.calls("tools/list").length >= 60);
});

test("a server that pages for ever, or gives the same cursor again, is cut off", async () => {
  using bench = new Bench();
  let page = 0;
  const endless = bench.attach({
    "tools/list": (call) => call.result({ tools: [{ name: `t${page}` }], nextCursor: String(page++) }),
  });
  assert.equal((await bench.tools()).length, 100);
  assert.equal(endless.calls("tools/list").length, 100);
  const stuck = bench.attach({ "tools/list": (call) => call.result({ ...(toolsOf("t") as object), nextCursor: "x" }) });
  await settle();
  assert.equal(stuck.calls("tools/list").length, 2);
});

test("a list is fetched when a replica comes, when it changed and when it is old, and is the same object between", async () => {
  using bench = new Bench();
  let names = ["a"];
  const server = bench.attach({ "tools/list": (call) => call.result(toolsOf(...names)) });
  assert.deepEqual(await bench.tools(), ["a"]);
  const { generation } = bench.catalog;
  await bench.clock.advance(29_000);
  assert.deepEqual(await bench.tools(), ["a"]);
  assert.equal(server.calls("tools/list").length, 1);
  names = ["a", "b"];
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  assert.deepEqual(await bench.tools(), ["a", "b"]);
  assert.equal(bench.catalog.generation, generation + 1);
  names = ["c"];
  await bench.clock.advance(31_000);
  assert.deepEqual(await bench.tools(), ["a", "b"], "an old list is given at once");
  await settle();
  assert.deepEqual(await bench.tools(), ["c"]);
  assert.deepEqual(new Set(bench.changes), new Set(["s"]));
});

test("G24 a modern server says how long its list may be kept", async () => {
  using bench = new Bench();
  const server = bench.attach(
    { "tools/list": (call) => call.result({ resultType: "complete", ttlMs: 3_000, cacheScope: "public", tools: [] }) },
    "s-1-a",
    { era: "modern" },
  );
  await bench.tools();
  await bench.clock.advance(2_900);
  await bench.tools();
  assert.equal(server.calls("tools/list").length, 1);
  await bench.clock.advance(200);
  await bench.tools();
  assert.equal(server.calls("tools/list").length, 2);
});

test("a change during a fetch is fetched after it", async () => {
  using bench = new Bench();
  const server = bench.attach({ "tools/list": () => {} });
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  server.calls("tools/list")[0]?.result(toolsOf("old"));
  const second = await server.call("tools/list", 2);
  second.result(toolsOf("new"));
  await settle();
  assert.deepEqual(await bench.tools(), ["new"]);
});

test("U9 a server that says all the time that its list changed is asked once a second, and the last word counts", async () => {
  using bench = new Bench();
  let at = 0;
  const server = bench.attach({ "tools/list": (call) => call.result(toolsOf(`t${at}`)) });
  await settle();
  const say = async (): Promise<void> => {
    at += 1;
    bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
    await settle();
  };
  for (let i = 0; i < 50; i += 1) await say();
  assert.equal(server.calls("tools/list").length, 2, "at first, and at its first word");
  assert.deepEqual(await bench.tools(), ["t1"]);
  await bench.clock.advance(1_100);
  await settle();
  assert.deepEqual(await bench.tools(), ["t50"]);
  assert.equal(server.calls("tools/list").length, 3);
  await bench.clock.advance(10_000);
  await say();
  assert.deepEqual(await bench.tools(), ["t51"], "after a rest it is asked at once");
});

test("a list that waits for its turn is forgotten with its server", async () => {
  using bench = new Bench();
  const server = bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) });
  for (let i = 0; i < 3; i += 1) {
    bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
    await settle();
  }
  const asked = server.calls("tools/list").length;
  bench.catalog.follow(new Map());
  await bench.clock.advance(5_000);
  assert.equal(server.calls("tools/list").length, asked);
});

test("of two replicas that come together one is compared with the other, whichever has less to do", async () => {
  using bench = new Bench();
  const busy = bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) });
  // It is being asked already.
  busy.inFlight = 1;
  bench.attach({ "tools/list": (call) => call.result(toolsOf("b")) }, "s-1-b");
  await settle();
  assert.deepEqual(bench.listed, ["s-1-a: a", "s-1-b, a newcomer: b"]);
});

test("a replica that comes beside others of its revision is asked itself, when there is a list to compare with", async () => {
  using bench = new Bench();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) });
  const busy = bench.attach({ "tools/list": (call) => call.result(toolsOf("b")) }, "s-1-b");
  busy.inFlight = 1;
  await settle();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("b")) }, "s-1-c");
  await settle();
  assert.deepEqual(bench.listed, ["s-1-a: a", "s-1-b, a newcomer: b"], "what is known is not told again");
  bench.attach({ "tools/list": (call) => call.result(toolsOf("b")) }, "s-2-a");
  await settle();
  assert.deepEqual(bench.listed.slice(2), ["s-2-a: b"], "what is known of another revision is");
});

test("a new replica is asked at once, though an old one still owes its list", async () => {
  using bench = new Bench();
  const hung = bench.attach({ "tools/list": () => {} });
  const waiting = bench.tools();
  bench.upstreams.detach("s", "s-1-a");
  bench.attach({ "tools/list": (call) => call.result(toolsOf("fresh")) }, "s-1-b");
  assert.deepEqual(await waiting, ["fresh"]);
  hung.calls("tools/list")[0]?.result(toolsOf("stale"));
  await settle();
  assert.deepEqual(await bench.tools(), ["fresh"]);
});

test("a server that refuses its list is asked again after a pause, not by every caller; a known list is kept", async () => {
  using bench = new Bench();
  const server = bench.attach({ "tools/list": (call) => call.error(-32603, "broken") });
  await settle();
  for (let i = 0; i < 20; i++) assert.equal(await bench.tools(), 'server "s" answered tools/list with error -32603');
  assert.equal(server.calls("tools/list").length, 1);
  server.script = { "tools/list": (call) => call.result(toolsOf("a")) };
  await bench.clock.advance(1_100);
  await bench.tools();
  await settle();
  assert.deepEqual(await bench.tools(), ["a"]);
  server.script = { "tools/list": (call) => call.error(-32603, "broken") };
  await bench.clock.advance(31_000);
  await bench.tools();
  await settle();
  assert.deepEqual(await bench.tools(), ["a"]);
});

test("a server that failed, or is going, is not waited for; one that starts is, once", async () => {
  using bench = new Bench();
  for (const state of ["failed", "draining"] as const) {
    bench.trouble = { state, message: `it is ${state}` };
    assert.equal(await bench.tools(), `server "s" has no ready replica: it is ${state}`);
  }
  bench.trouble = { state: "starting", message: "it is starting" };
  const waiting = bench.tools();
  await bench.clock.advance(2_100);
  assert.equal(await waiting, 'server "s" has no ready replica: it is starting');
  assert.ok(!(bench.catalog.listing("s", "tools") instanceof Promise));
});

test("a server whose connection is closed fails its list at once", async () => {
  using bench = new Bench();
  const server = bench.attach({ "tools/list": () => {} });
  await server.close();
  assert.match(String(await bench.tools()), /no ready replica/);
});

test("servers that are gone are forgotten, and nothing waits after disposal", async () => {
  const bench = new Bench();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) });
  await bench.tools();
  bench.catalog.follow(new Map());
  assert.equal(bench.catalog.known("s", "tools"), undefined);
  bench.upstreams.detach("s", "s-1-a");
  const waiting = bench.tools();
  bench[Symbol.dispose]();
  assert.match(String(await waiting), /no ready replica/);
});

test("G20 the same items in another order are no change, and stay in the order they had", async () => {
  using bench = new Bench();
  const server = bench.attach({ "tools/list": (call) => call.result(toolsOf("b", "c", "a")) });
  assert.deepEqual(await bench.tools(), ["b", "c", "a"]);
  const { generation } = bench.catalog;
  server.script = { "tools/list": (call) => call.result(toolsOf("a", "b", "c")) };
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  assert.deepEqual(await bench.tools(), ["b", "c", "a"]);
  assert.equal(bench.catalog.generation, generation);
});

test("what is left out of a list is told once, until it changes", async () => {
  using bench = new Bench();
  const odd = { tools: [{ name: "a" }, { name: "a" }, {}, 7, { name: "b" }] };
  bench.attach({ "tools/list": (call) => call.result(odd) });
  assert.deepEqual(await bench.tools(), ["a", "b"]);
  const told = ["s tools 2 no object with one name or URI: ", "s tools 1 a name or URI that the list has already: a"];
  assert.deepEqual(bench.dropped, told);
  await bench.clock.advance(31_000);
  await bench.tools();
  await settle();
  assert.deepEqual(bench.dropped, told);
});

test("G5 a tool whose x-mcp-header is not allowed is left out and told, by name and with the reason", async () => {
  using bench = new Bench();
  const wrong = { name: "wrong", inputSchema: { properties: { a: { type: "number", "x-mcp-header": "A" } } } };
  const hidden = '{"name":"hidden","inputSchema":{"properties":{"a":{"type":"string","x-mcp-h\\u0065ader":"a b"}}}}';
  const list = `{"resultType":"complete","tools":[${JSON.stringify(wrong)},${hidden},{"name":"right"}]}`;
  bench.attach({ "tools/list": (call) => call.result(list) }, "s-1-a", { era: "modern" });
  assert.deepEqual(await bench.tools(), ["right"]);
  assert.deepEqual(bench.dropped, [
    "s tools 1 its x-mcp-header is not on a string, integer or boolean: wrong",
    "s tools 1 its x-mcp-header is no header name: hidden",
  ]);
});

test("a list is cut off at 20,000 items or 16 MiB, and that is told", async () => {
  using bench = new Bench();
  const many = Array.from({ length: 20_005 }, (_, i) => `t${i}`);
  const server = bench.attach({ "tools/list": (call) => call.result(toolsOf(...many)) });
  assert.equal((await bench.tools()).length, 20_000);
  const names = many.slice(20_000).join(" ");
  assert.deepEqual(bench.dropped.splice(0), [`s tools 5 beyond 20000 items: ${names}`]);
  const large = Array.from({ length: 3 }, (_, i) => ({ name: `t${i}`, description: "x".repeat(6 * 1024 * 1024) }));
  server.script = { "tools/list": (call) => call.result({ tools: large }) };
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  assert.deepEqual(await bench.tools(), ["t0", "t1"]);
  assert.deepEqual(bench.dropped, [`s tools 1 beyond ${16 * 1024 * 1024} bytes: t2`]);
});

test("clients are to hear of a list when a fetch has ended that its server's word caused, or that found something else", async () => {
  using bench = new Bench();
  const news: string[] = [];
  bench.catalog.onListChanged((server, member) => news.push(`${server} ${member}`));
  const server = bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) });
  await settle();
  assert.deepEqual(news.splice(0), ["s tools"], "what was not known, and is not empty");
  server.script = {};
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  server.calls("tools/list").at(-1)?.result(toolsOf("a"));
  await settle();
  assert.deepEqual(news, [], "it changed again meanwhile");
  await bench.clock.advance(1_100);
  server.calls("tools/list").at(-1)?.error(-32603, "not now");
  await settle();
  assert.deepEqual(news.splice(0), ["s tools"], "though it is not known to what");
  bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) }, "s-1-b");
  await settle();
  assert.deepEqual(news, [], "the same list again");
});

test("U8 a list that is old is not fetched from a replica that is left alone, and is shown as it was", async () => {
  using bench = new Bench();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) });
  assert.deepEqual(await bench.tools(), ["a"]);
  const asked = bench.asked;
  bench.heldOff = "s-1-a";
  await bench.clock.advance(60_000);
  assert.deepEqual(await bench.tools(), ["a"]);
  await bench.catalog.renewed("s", "tools");
  await settle();
  assert.equal(bench.asked, asked);
  bench.heldOff = undefined;
  await bench.tools();
  await settle();
  assert.equal(bench.asked, asked + 1);
});

test("U8 a list that is refused with a time to wait tells of it", async () => {
  using bench = new Bench();
  bench.attach({ "tools/list": (call) => call.fail(httpFailure("s", 429, 7_000)) });
  await bench.tools();
  assert.deepEqual(bench.attempts, ["s s-1-a rate_limited 7000"]);
});
