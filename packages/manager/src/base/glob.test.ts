/** Patterns agree with what `*` means, and cost no more than the name is long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { globMatcher } from "./glob.ts";

test("a pattern matches what the same regular expression matches", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "_"), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 3 }), text, (patterns, name) => {
      const expected = patterns.some((p) => new RegExp(`^${p.replaceAll("*", ".*")}$`).test(name));
      assert.equal(globMatcher(patterns)(name), expected);
    }),
    { numRuns: 500 },
  );
});

test("a long name under a pattern of many stars is judged at once", () => {
  assert.equal(globMatcher(["*a".repeat(40) + "b"])("a".repeat(100_000)), false);
});
