/** Lines out of bytes: the same however they are cut, and never more memory than the bound. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineSplitter } from "./line-splitter.ts";
import { messageRoom } from "./remap.ts";

interface Split {
  readonly lines: string[];
  readonly own: boolean[];
  readonly tooLong: boolean;
}

function split(bytes: Buffer, cuts: readonly number[] = [], lineBytesMax = 1_000_000): Split {
  const lines: string[] = [];
  const own: boolean[] = [];
  let tooLong = false;
  const sink = {
    onLine(line: Buffer, isOwn: boolean) {
      assert.equal(tooLong, false, "nothing after the end");
      lines.push(line.toString("latin1"));
      own.push(isOwn);
      if (!isOwn) return;
      const after = line.buffer.byteLength - line.byteOffset - line.length;
      assert.ok(line.byteOffset >= messageRoom && after >= messageRoom, "room on both sides");
    },
    onLineTooLong() {
      assert.equal(tooLong, false, "told once");
      tooLong = true;
    },
  };
  const splitter = new LineSplitter(sink, lineBytesMax);
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    splitter.push(bytes.subarray(from, to));
    from = to;
  }
  return { lines, own, tooLong };
}

const text = fc
  .array(fc.constantFrom("a", '{"b":1}', "\r", "\n", "\r\n", "\n\n", "", "\xef\xbb\xbf", "x".repeat(3_000)), {
    maxLength: 20,
  })
  .map((parts) => Buffer.from(parts.join(""), "latin1"));

test("G10 any cut of the bytes gives the same lines, and the lines of a plain reading", () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(20_000), { maxLength: 20 }), (bytes, cuts) => {
      const { lines } = split(bytes, cuts);
      const plain = bytes.toString("latin1").split("\n").slice(0, -1);
      const expected = plain.map((line, i) => (i === 0 ? line.replace(/^\xef\xbb\xbf/, "") : line).replace(/\r$/, ""));
      assert.deepEqual(
        lines,
        expected.filter((line) => line !== ""),
      );
    }),
    { numRuns: 1_000 },
  );
});

test("a line that stands whole in a chunk is not copied, one that spans chunks once", () => {
  const bytes = Buffer.from("one\ntwo\nthree\n");
  assert.deepEqual(split(bytes).own, [false, false, false]);
  assert.deepEqual(split(bytes, [5, 9]).own, [false, true, true]);
});

test("a long line that comes byte by byte arrives", () => {
  const bytes = Buffer.alloc(200_001, "z");
  bytes[200_000] = 0x0a;
  const { lines } = split(
    bytes,
    Array.from({ length: 200_000 }, (_, i) => i),
  );
  assert.equal(lines[0]?.length, 200_000);
});

test("G10 a line of the length allowed is taken; one byte more ends the reading, however it comes", () => {
  for (const cuts of [[], [3], [9, 10, 11]]) {
    const fit = split(Buffer.from("0123456789\nb\n"), cuts, 10);
    assert.deepEqual([fit.lines, fit.tooLong], [["0123456789", "b"], false]);
    const long = split(Buffer.from("a\n01234567890\nb\n"), cuts, 10);
    assert.deepEqual([long.lines, long.tooLong], [["a"], true]);
    assert.equal(split(Buffer.from("01234567890"), cuts, 10).tooLong, true, "before its end has come");
  }
});
