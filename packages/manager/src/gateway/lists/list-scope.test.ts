/** Who may share a list and for how long, what is kept of it for whom, and what many callers at once cost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ListsBench, modernTools } from "../testing/lists-bench.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("G24 a list may be shared only when every server said so and nothing of it depends on who asks", async () => {
  using all = new ListsBench();
  all.serve({ one: modernTools(["a"]), two: modernTools(["b"]) });
  assert.equal((await all.tools()).cacheScope, "public");
  using filtered = new ListsBench({ seenByAll: false });
  filtered.serve({ one: modernTools(["a"]) });
  assert.equal((await filtered.tools()).cacheScope, "private");
  for (const other of [
    modernTools(["b"], { cacheScope: "private" }),
    modernTools(["b"], { cacheScope: "nonsense" }),
    { script: { "tools/list": (call: { result(result: unknown): void }) => call.result({ tools: [{ name: "b" }] }) } },
  ]) {
    using mixed = new ListsBench();
    mixed.serve({ one: modernTools(["a"]), two: other });
    assert.equal((await mixed.tools()).cacheScope, "private");
    assert.equal((await mixed.tools(mixed.ada, { kind: "server", server: "one" })).cacheScope, "public");
  }
});

test("G24 a server without such a list takes nothing away from what the others said", async () => {
  using bench = new ListsBench();
  bench.serve({ one: modernTools(["a"]), none: { era: "modern", capabilities: { prompts: {} } } });
  assert.equal((await bench.tools()).cacheScope, "public");
});

test("G24 what a server calls private is put together and kept for each principal by itself", async () => {
  using bench = new ListsBench();
  const servers = bench.serve({ one: modernTools(["a"], { cacheScope: "private" }) });
  for (let round = 0; round < 3; round++) {
    assert.deepEqual((await bench.tools(bench.ada)).names, ["one__a"]);
    assert.deepEqual((await bench.tools(bench.bob)).names, ["one__a"]);
  }
  const perList = bench.shaped / 2;
  assert.ok(perList > 0);
  using shared = new ListsBench();
  shared.serve({ one: modernTools(["a"]) });
  for (const who of [shared.ada, shared.bob, shared.ada, shared.bob]) await shared.tools(who);
  assert.equal(shared.shaped, perList, "what may be shared is put together once for both");
  assert.equal(servers.get("one")?.calls("tools/list").length, 1, "the manager's credential is one context");
});

test("G24 a list that becomes private is no longer given from what was kept for all", async () => {
  using bench = new ListsBench();
  const server = bench.serve({ one: modernTools(["a"]) }).get("one");
  await bench.tools(bench.ada);
  if (server !== undefined) server.script = modernTools(["a", "b"], { cacheScope: "private" }).script ?? {};
  bench.upstreams.notified("one", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  const shaped = bench.shaped;
  assert.deepEqual(await bench.tools(bench.bob), await bench.tools(bench.ada));
  assert.equal((await bench.tools(bench.bob)).cacheScope, "private");
  assert.equal((bench.shaped - shaped) % 4, 0, "two tools, each for two principals");
});

test("G24 a list may be kept as long as the least of its servers said, and never over 30 seconds", async () => {
  const cases = [
    [[60_000, 90_000], 30_000],
    [[60_000, 12_000], 12_000],
    [[60_000, 0], 0],
    [[60_000, -5], 0],
  ] as const;
  for (const [[first, second], expected] of cases) {
    using bench = new ListsBench();
    bench.serve({ one: modernTools(["a"], { ttlMs: first }), two: modernTools(["b"], { ttlMs: second }) });
    assert.equal((await bench.tools()).ttlMs, expected);
  }
  using legacy = new ListsBench();
  legacy.serve({ one: modernTools(["a"]), two: { script: { "tools/list": (call) => call.result({ tools: [] }) } } });
  assert.equal((await legacy.tools()).ttlMs, 5_000);
});

test("G24 a notification of a change drops what was kept, at once", async () => {
  using bench = new ListsBench();
  const server = bench.serve({ one: modernTools(["a"]) }).get("one");
  await bench.tools();
  if (server !== undefined) server.script = modernTools(["a", "b"]).script ?? {};
  bench.upstreams.notified("one", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  assert.deepEqual((await bench.tools()).names, ["one__a", "one__b"]);
});

test("a thousand callers of a list that nobody knows yet cost one question to each server and one assembly", async () => {
  using bench = new ListsBench();
  const servers = bench.serve({
    one: { era: "modern", script: { "tools/list": () => {} } },
    two: { era: "modern", script: { "tools/list": () => {} } },
  });
  const asking = Array.from({ length: 1_000 }, (_, i) => bench.tools(i % 2 === 0 ? bench.ada : bench.bob));
  for (const [name, server] of servers) {
    server
      .calls("tools/list")[0]
      ?.result({ resultType: "complete", tools: [{ name: `${name}-tool` }], ttlMs: 1, cacheScope: "public" });
    await settle();
  }
  const answers = await Promise.all(asking);
  for (const { names } of answers) assert.deepEqual(names, ["one__one-tool", "two__two-tool"]);
  for (const server of servers.values()) assert.equal(server.calls("tools/list").length, 1);
  const { shaped } = bench;
  await bench.clock.advance(6_000);
  await bench.tools();
  assert.equal(bench.shaped - shaped, shaped, "one more assembly costs as much as all the callers together did");
});

test("a thousand callers of a list that has just changed cost one question and one assembly", async () => {
  using bench = new ListsBench();
  const server = bench.serve({ one: modernTools(["a"]) }).get("one");
  await bench.tools();
  const { shaped } = bench;
  if (server !== undefined) server.script = modernTools(["b"]).script ?? {};
  bench.upstreams.notified("one", "notifications/tools/list_changed", Buffer.alloc(0));
  await settle();
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => bench.tools()));
  assert.ok(answers.every(({ names }) => names[0] === "one__b"));
  assert.equal(server?.calls("tools/list").length, 2);
  assert.equal(bench.shaped, shaped * 2);
});

test("a list that misses a server is kept for a second, or until something changes", async () => {
  using bench = new ListsBench();
  const servers = bench.serve({
    good: modernTools(["a"]),
    hung: { era: "modern", script: { "tools/list": () => {} } },
  });
  const first = bench.tools();
  await bench.clock.advance(2_100);
  const partial = await first;
  assert.deepEqual([partial.names, partial.ttlMs, partial.cacheScope], [["good__a"], 0, "private"]);
  const { shaped } = bench;
  for (let i = 0; i < 100; i++) await bench.tools();
  assert.equal(bench.shaped, shaped);
  await bench.clock.advance(1_100);
  await bench.tools();
  assert.ok(bench.shaped > shaped);
  servers
    .get("hung")
    ?.calls("tools/list")[0]
    ?.result({ resultType: "complete", tools: [{ name: "late" }] });
  await settle();
  assert.deepEqual((await bench.tools()).names, ["good__a", "hung__late"]);
});
