/** Lists of several revisions of one server: each asked for its own, and which of them is given where none is named. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CatalogBench as Bench, settle, toolsOf } from "../testing/catalog-bench.ts";

test("replicas of two revisions are asked separately, and where none is named the newest's list is given, whoever answers late", async () => {
  using bench = new Bench();
  const old = bench.attach({ "tools/list": (call) => call.result(toolsOf("old")) }, "s-9-a");
  assert.deepEqual(await bench.tools(), ["old"]);
  old.script = { "tools/list": () => {} };
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0));
  const fresh = bench.attach({ "tools/list": () => {} }, "s-10-a");
  fresh.inFlight = 100;
  assert.deepEqual(await bench.tools(), ["old"], "until that is known");
  fresh.calls("tools/list").at(-1)?.result(toolsOf("new"));
  await settle();
  assert.deepEqual(await bench.tools(), ["new"]);
  old.calls("tools/list").at(-1)?.result(toolsOf("late"));
  await settle();
  assert.deepEqual(
    [await bench.tools(), await bench.tools("s-9"), await bench.tools("s-10")],
    [["new"], ["late"], ["new"]],
  );
  old.script = { "tools/list": (call) => call.result(toolsOf("later")) };
  await bench.clock.advance(2_000);
  bench.upstreams.notified("s", "notifications/tools/list_changed", Buffer.alloc(0), "s-9");
  await settle();
  assert.deepEqual([await bench.tools(), await bench.tools("s-9")], [["new"], ["later"]]);
  assert.equal(fresh.calls("tools/list").length, 1, "who said nothing is not asked");
  assert.equal(bench.catalog.has("s", "tools", "later"), false);
  assert.equal(bench.catalog.has("s", "tools", "later", "s-9"), true);
  assert.equal(bench.catalog.has("s", "tools", "later", "s-11"), undefined);
  assert.deepEqual(
    [bench.catalog.differ("s", "tools", "s-9", "s-10"), bench.catalog.differ("s", "tools", "s-9", "s-9")],
    [true, false],
  );
});

test("when the newest revision goes, the list of the one that stays counts again, and clients are to hear of it", async () => {
  using bench = new Bench();
  const news: string[] = [];
  bench.catalog.onListChanged((_server, member, revision) => news.push(`${member} ${revision}`));
  const old = bench.attach({ "tools/list": (call) => call.result(toolsOf("old")) }, "s-1-a");
  await settle();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("new")) }, "s-2-a");
  await settle();
  assert.deepEqual(await bench.tools(), ["new"]);
  bench.upstreams.detach("s", "s-2-a");
  assert.deepEqual(await bench.tools(), ["old"]);
  assert.deepEqual(news, ["tools s-1", "tools s-2", "tools s-1"]);
  assert.equal(old.calls("tools/list").length, 1, "it was known");
  bench.upstreams.detach("s", "s-1-a");
  assert.deepEqual(await bench.tools(), ["old"], "what is known stays known while nobody is there");
});

test("another revision that lists the same is no news", async () => {
  using bench = new Bench();
  const news: string[] = [];
  bench.catalog.onListChanged((_server, member, revision) => news.push(`${member} ${revision}`));
  for (const name of ["s-1-a", "s-2-a"]) {
    bench.attach({ "tools/list": (call) => call.result(toolsOf("a")) }, name);
    await settle();
  }
  bench.upstreams.detach("s", "s-2-a");
  await settle();
  assert.deepEqual(news, ["tools s-1"]);
});

test("of a server with a route the stable revision's list is given, and revisions that left the route and the rotation are forgotten", async () => {
  using bench = new Bench();
  const next = { revision: "s-2", weight: 10, salt: "x", match: [], differs: true };
  bench.route({ stable: "s-1", next, draining: [] });
  bench.attach({ "tools/list": (call) => call.result(toolsOf("new")) }, "s-2-a");
  await settle();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("old")) }, "s-1-a");
  assert.deepEqual([await bench.tools(), await bench.tools("s-2")], [["old"], ["new"]]);
  bench.route({ stable: "s-2", draining: ["s-1"] });
  assert.deepEqual([await bench.tools(), await bench.tools("s-1")], [["new"], ["old"]]);
  bench.upstreams.detach("s", "s-1-a");
  assert.deepEqual(await bench.tools("s-1"), ["old"], "who is there still may list");
  bench.route({ stable: "s-2", draining: [] });
  assert.equal(bench.catalog.known("s", "tools", "s-1"), undefined);
  bench.upstreams.detach("s", "s-2-a");
  assert.deepEqual(await bench.tools(), ["new"]);
});

test("the list of a revision that is not there yet is waited for, and never another's given for it", async () => {
  using bench = new Bench();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("old")) }, "s-1-a");
  await settle();
  bench.route({ stable: "s-2", draining: ["s-1"] });
  const waiting = bench.tools();
  bench.attach({ "tools/list": (call) => call.result(toolsOf("new")) }, "s-2-a");
  assert.deepEqual(await waiting, ["new"]);
  assert.equal(bench.catalog.away("s", "s-1"), undefined);
  bench.upstreams.detach("s", "s-2-a");
  assert.match(bench.catalog.away("s", "s-2")?.message ?? "", /no ready replica/);
});
