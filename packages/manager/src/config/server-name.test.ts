import assert from "node:assert/strict";
import { test } from "node:test";
import { isName } from "@mcp-manager/api";
import fc from "fast-check";
import { legalNames } from "./server-name.ts";

test("every name gets a legal one of its own, legal ones keep theirs, and the same names give the same result", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("a", "A", "a-2", "a b", "a-b", "", "-", "é", "x".repeat(60), "X".repeat(61)),
  );
  fc.assert(
    fc.property(fc.uniqueArray(word), (names) => {
      const legal = legalNames(names);
      assert.deepEqual([...legal.keys()], names);
      assert.ok([...legal.values()].every(isName));
      assert.equal(new Set(legal.values()).size, names.length);
      for (const name of names.filter(isName)) assert.equal(legal.get(name), name);
      assert.deepEqual([...legalNames(names)], [...legal]);
    }),
  );
});
