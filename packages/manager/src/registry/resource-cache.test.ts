/** What an informer knows, against a plain map that is sorted and searched each time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Replica } from "@mcp-manager/api";
import { pendingReplicaStatus } from "@mcp-manager/api";
import * as fc from "fast-check";
import { kinds } from "./kinds.ts";
import { ResourceCache } from "./resource-cache.ts";

function replica(name: string, server: string): Replica {
  const spec = { server, revision: `${server}-1`, node: "n1", restartRound: 0 };
  const metadata = { name, uid: "", generation: 1, revision: "1", createdAt: "", labels: {} };
  return { kind: "Replica", metadata, spec, status: pendingReplicaStatus(spec) };
}

test("lists are in order and whole, all and by server, after any changes", () => {
  const name = fc.constantFrom("a", "a-b", "b", "b2", "c");
  const server = fc.constantFrom("x", "y", undefined);
  fc.assert(
    fc.property(fc.array(fc.record({ name, server, isDeleted: fc.boolean() })), (changes) => {
      const cache = new ResourceCache(kinds.Replica);
      const model = new Map<string, Replica | undefined>();
      for (const change of changes) {
        // Without a server it is one that can't be read.
        const resource = change.server === undefined ? undefined : replica(change.name, change.server);
        if (change.isDeleted) cache.delete(change.name);
        else cache.set(change.name, {}, resource);
        if (change.isDeleted) model.delete(change.name);
        else model.set(change.name, resource);
        const all = [...model.values()]
          .flatMap((found) => found ?? [])
          .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
        assert.deepEqual(cache.list(), all);
        assert.deepEqual([...cache.names].toSorted(), [...model.keys()].toSorted());
        for (const each of ["x", "y"]) {
          assert.deepEqual(
            cache.ofServer(each),
            all.filter(({ spec }) => spec.server === each),
          );
        }
      }
    }),
  );
});

test("a list is made once, until something in it changes", () => {
  const cache = new ResourceCache(kinds.Replica);
  cache.set("a", {}, replica("a", "x"));
  const before = cache.list();
  assert.equal(cache.list(), before);
  cache.set("b", {}, replica("b", "x"));
  assert.equal(before.length, 1, "who holds a list keeps what it was");
  assert.equal(cache.list().length, 2);
});

test("resources of a kind that belongs to no server are found by name only", () => {
  const { serverOf: _, ...kind } = kinds.Replica;
  const cache = new ResourceCache<Replica>(kind);
  cache.set("a", {}, replica("a", "x"));
  assert.deepEqual(cache.ofServer("x"), []);
  assert.equal(cache.get("a")?.spec.server, "x");
});
