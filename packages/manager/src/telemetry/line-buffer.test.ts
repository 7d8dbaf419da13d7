import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineBuffer } from "./line-buffer.ts";

test("what was added is taken whole, in order, batch by batch", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ unit: "binary", maxLength: 200 }))), (batches) => {
      const buffer = new LineBuffer(1024 * 1024);
      for (const lines of batches) {
        for (const line of lines) assert.ok(buffer.add(line));
        assert.equal(buffer.isEmpty, lines.length === 0);
        const taken = buffer.take();
        assert.equal(taken.lines, lines.length);
        assert.deepEqual(taken.bytes, Buffer.from(lines.map((line) => Buffer.from(line).toString()).join("")));
      }
    }),
  );
});

test("beyond its bound a line is refused, and after a batch was taken there is room again", () => {
  const buffer = new LineBuffer(200_000);
  const line = "é".repeat(500);
  let taken = 0;
  while (buffer.add(line)) taken += 1;
  assert.equal(taken, 200);
  assert.equal(buffer.take().lines, 200);
  assert.ok(buffer.add(line));
});

test("a batch stays as it is while the next one is filled", () => {
  const buffer = new LineBuffer(1024);
  buffer.add("one\n");
  const { bytes } = buffer.take();
  buffer.add("two\n");
  assert.equal(bytes.toString(), "one\n");
  assert.equal(buffer.take().bytes.toString(), "two\n");
});
