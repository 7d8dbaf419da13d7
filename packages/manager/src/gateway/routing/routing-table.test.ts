/** The table: prefixes that stay, rules that hold, and no new table when nothing changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildRoutingTable, emptyTable } from "./routing-table.ts";
import { serverResource } from "../testing/gateway.ts";

test("servers are in name order, deleted ones are gone", () => {
  const [b, a] = [serverResource("b"), serverResource("a")];
  const deleted = { ...a, metadata: { ...a.metadata, name: "c", deletedAt: a.metadata.createdAt } };
  const table = buildRoutingTable(emptyTable, [b, a, deleted]);
  assert.deepEqual([...table.servers.keys()], ["a", "b"]);
  assert.equal(table.generation, 1);
});

test("a table without a change is the one before; a change of status alone keeps what is compiled", () => {
  const a = serverResource("a", {}, "starting");
  const first = buildRoutingTable(emptyTable, [a]);
  assert.equal(buildRoutingTable(first, [structuredClone(a)]), first);
  const ready = buildRoutingTable(first, [{ ...a, status: { ...a.status, state: "ready" } }]);
  assert.equal(ready.generation, 2);
  assert.equal(ready.servers.get("a")?.exposure, first.servers.get("a")?.exposure);
  assert.deepEqual(first.servers.get("a")?.trouble, { state: "starting", message: "it is starting" });
  assert.equal(ready.servers.get("a")?.trouble, undefined);
});

test("a change of status moves no prefix, also where an older server had to be heeded", () => {
  const old = serverResource("old", { expose: { prefix: "p" } });
  const late = serverResource("late", { expose: { prefix: "p" } });
  const first = buildRoutingTable(emptyTable, [old, late]);
  const next = buildRoutingTable(first, [{ ...late, status: { ...late.status, state: "failed" } }, old]);
  assert.equal(next.servers.get("late")?.exposure, first.servers.get("late")?.exposure);
  assert.equal(next.servers.get("late")?.trouble?.state, "failed");
  assert.equal(next.servers.get("old"), first.servers.get("old"));
  assert.equal(next.byPrefix.get("late"), next.servers.get("late"));
});

test("what went wrong stands in the route, as a state and in words", () => {
  const table = buildRoutingTable(emptyTable, [serverResource("a", {}, "failed", "exited with 3")]);
  assert.deepEqual(table.servers.get("a")?.trouble, { state: "failed", message: "it is failed: exited with 3" });
});

test("adding a server renames nothing: the older one keeps the prefix, whatever the newer is called", () => {
  const old = serverResource("weather", { expose: { prefix: "wx" } });
  const before = buildRoutingTable(emptyTable, [old]);
  const wx = serverResource("wx");
  const more = serverResource("more", { expose: { prefix: "wx" } });
  const table = buildRoutingTable(before, [more, wx, old]);
  assert.equal(table.servers.get("weather")?.exposure.prefix, "wx");
  assert.equal(table.servers.get("wx")?.exposure.prefix, "wx-2");
  assert.equal(table.servers.get("more")?.exposure.prefix, "more");
  assert.equal(table.byPrefix.get("wx"), before.servers.get("weather"));
  assert.deepEqual(buildRoutingTable(emptyTable, [wx, old, more]).servers.get("wx")?.exposure.prefix, "wx-2");
});

test("a server that has to take another prefix keeps its own rules, and gets its prefix when that is free", () => {
  const old = serverResource("old", { expose: { prefix: "p" } });
  const late = serverResource("late", { expose: { prefix: "p", tools: { deny: ["secret"] } } });
  const both = buildRoutingTable(emptyTable, [old, late]);
  assert.equal(both.servers.get("late")?.exposure.prefix, "late");
  assert.equal(both.servers.get("late")?.exposure.originalTool("secret"), undefined);
  const alone = buildRoutingTable(both, [late]);
  assert.equal(alone.servers.get("late")?.exposure.prefix, "p");
  assert.equal(alone.servers.get("late")?.exposure.originalTool("secret"), undefined);
});

test("the route of a status stands in the table, and one that says the same is the same object", () => {
  const a = serverResource("a");
  const next = { revision: "a-2", weight: 10, salt: "s", match: [{ client: "x" }], differs: false };
  const routed = (weight: number): typeof a => {
    const route = { stable: "a-1", next: { ...next, weight }, draining: ["a-0"] };
    return { ...a, status: { ...a.status, route } };
  };
  const first = buildRoutingTable(emptyTable, [routed(10)]);
  assert.deepEqual(first.servers.get("a")?.revisions, routed(10).status.route);
  assert.equal(buildRoutingTable(first, [structuredClone(routed(10))]), first);
  const moved = buildRoutingTable(first, [routed(50)]);
  assert.equal(moved.servers.get("a")?.revisions?.next?.weight, 50);
  assert.equal(moved.servers.get("a")?.exposure, first.servers.get("a")?.exposure);
  assert.equal(buildRoutingTable(moved, [a]).servers.get("a")?.revisions, undefined);
});
