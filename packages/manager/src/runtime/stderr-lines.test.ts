/** Lines of stderr: what is cut, what is left out, and that neither depends on how the bytes came. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { LineSplitter } from "./line-splitter.ts";
import { readLines } from "./stderr-lines.ts";

function split(chunks: readonly Buffer[], bytesMax = 16_384): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(bytesMax, { accepts: () => true, write: (line) => void lines.push(line) });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

test("the lines are the same however the bytes are cut into chunks", () => {
  const texts = fc.array(fc.constantFrom("", "a", "zwölf", "日本語", "🙂🙂", "long ".repeat(20)), { maxLength: 8 });
  fc.assert(
    fc.property(texts, fc.array(fc.nat(400), { maxLength: 12 }), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      assert.deepEqual(split(chunks, 40), split([bytes], 40));
      assert.deepEqual(split(chunks), lines);
    }),
  );
});

test("a long line is cut between characters and marked; the next one is whole", () => {
  assert.deepEqual(split([Buffer.from("abcdefgh\nabcdefghi\nnext\n")], 8), ["abcdefgh", "abcdefgh … (cut)", "next"]);
  assert.deepEqual(split([Buffer.from("äöüäöü\n")], 5), ["äö … (cut)"]);
  assert.deepEqual(split([Buffer.from("🙂🙂\n")], 7), ["🙂 … (cut)"]);
});

test("the last line needs no end, and an empty line is a line", () => {
  assert.deepEqual(split([Buffer.from("one\n\ntwo")]), ["one", "", "two"]);
  assert.deepEqual(split([Buffer.from("one\n")]), ["one"]);
});

test("control characters and terminal sequences are taken out, tabs stay", () => {
  assert.deepEqual(split([Buffer.from("\u001b[31mred\u001b[0m\tand\u0007 bell\r\n")]), ["red\tand bell"]);
});

test("more than so many lines a second are counted, and said once the second is over", async () => {
  const clock = new ManualClock();
  const stream = new PassThrough();
  const lines: string[] = [];
  const ended = readLines(stream, { write: (line) => lines.push(line) }, clock, {
    lineBytesMax: 100,
    linesPerSecond: 2,
  });
  stream.write("1\n2\n3\n4\n");
  await clock.advance(0);
  assert.deepEqual(lines, ["1", "2"]);
  await clock.advance(1_000);
  assert.deepEqual(lines, ["1", "2", "… 2 more lines were left out: at most 2 a second are kept"]);
  stream.end("5\n6\n7\n");
  await ended;
  assert.deepEqual(lines.slice(3), ["5", "6", "… 1 more line was left out: at most 2 a second are kept"]);
  assert.equal(clock.pendingCount, 0);
});
