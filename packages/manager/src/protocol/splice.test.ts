import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvariantError } from "../base/invariant.ts";
import { type Edit, splice } from "./splice.ts";

function edit(start: number, end: number, text: string): Edit {
  return { start, end, bytes: Buffer.from(text) };
}

/** What the edits make of the text, one after the other from the back. */
function naive(text: string, edits: readonly Edit[]): string {
  return edits.reduceRight((left, { start, end, bytes }) => left.slice(0, start) + bytes + left.slice(end), text);
}

const ascii = fc.string({ unit: "grapheme-ascii", maxLength: 80 });

test("any edits, sorted and apart, give what replacing one after the other gives", () => {
  const property = fc.property(
    ascii,
    fc.array(fc.tuple(fc.nat(80), fc.nat(40), ascii), { maxLength: 6 }),
    (text, raw) => {
      let from = 0;
      const edits = raw.flatMap(([gap, length, replacement]) => {
        const start = Math.min(from + gap, text.length);
        from = Math.min(start + length, text.length);
        return [edit(start, from, replacement)];
      });
      assert.equal(splice(Buffer.from(text), edits).toString(), naive(text, edits));
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test("without edits it is the same buffer; with edits the original stays as it was", () => {
  const bytes = Buffer.from("abc");
  assert.equal(splice(bytes, []), bytes);
  assert.equal(splice(bytes, [edit(0, 3, "xyz")]).toString(), "xyz");
  assert.equal(bytes.toString(), "abc");
});

test("edits reach both ends, meet, insert in their order, and empty a message", () => {
  const bytes = Buffer.from("abcdef");
  assert.equal(splice(bytes, [edit(0, 0, "<"), edit(6, 6, ">")]).toString(), "<abcdef>");
  assert.equal(splice(bytes, [edit(0, 2, "1"), edit(2, 4, ""), edit(4, 6, "3")]).toString(), "13");
  assert.equal(splice(bytes, [edit(3, 3, "1"), edit(3, 3, "2")]).toString(), "abc12def");
  assert.equal(splice(bytes, [edit(0, 6, "")]).length, 0);
  assert.equal(splice(Buffer.alloc(0), [edit(0, 0, "new")]).toString(), "new");
});

test("edits that overlap, are out of order or lie outside are a mistake of ours", () => {
  const bytes = Buffer.from("abcdef");
  for (const edits of [
    [edit(0, 3, ""), edit(2, 4, "")],
    [edit(4, 5, ""), edit(0, 1, "")],
    [edit(3, 2, "")],
    [edit(5, 7, "")],
    [edit(-1, 0, "")],
  ]) {
    assert.throws(() => splice(bytes, edits), InvariantError);
  }
});
