/** Many servers' instructions in one text: whole or left out, and never over the budget. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergedInstructions } from "./instructions.ts";

test("everything is said when it fits, and nothing when nobody speaks", () => {
  assert.equal(mergedInstructions([], 100), undefined);
  const said = [
    { prefix: "a", text: "one" },
    { prefix: "b", text: "two" },
  ];
  assert.equal(mergedInstructions(said, 100), "# a\none\n\n# b\ntwo");
});

test("what does not fit is left out whole and named; a later one that fits is kept", () => {
  const said = [
    { prefix: "a", text: "x".repeat(300) },
    { prefix: "b", text: "y".repeat(2_000) },
    { prefix: "c", text: "z" },
  ];
  const merged = mergedInstructions(said, 1_000) ?? "";
  assert.ok(merged.startsWith(`# a\n${"x".repeat(300)}\n\n# c\nz\n\n`), merged);
  assert.match(merged, /\(Left out .*: b\)$/);
});

test("the budget holds, no sentence is cut, and many names are counted", () => {
  const text = fc.string({ maxLength: 300 });
  const prefix = fc.stringMatching(/^[a-z0-9]{1,40}$/);
  fc.assert(
    fc.property(fc.array(fc.record({ prefix, text }), { maxLength: 60 }), fc.nat({ max: 2_000 }), (said, max) => {
      const merged = mergedInstructions(said, max);
      assert.ok((merged?.length ?? 0) <= max);
    }),
  );
  const many = Array.from({ length: 500 }, (_, i) => ({ prefix: `server-${i}`, text: "x".repeat(1_000) }));
  assert.match(mergedInstructions(many, 500) ?? "", /^\(Left out .*server-0, .* and \d+ more\)$/);
});
