import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutEnd, cutMiddle, hang, wrap } from "./wrap.ts";

test("text is wrapped at its spaces, and nothing of it is lost", () => {
  const text = fc.array(fc.stringMatching(/^[a-z/.]{1,12}$/), { minLength: 1 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 40 }), (given, width) => {
      const lines = wrap(given, width);
      assert.equal(lines.join(" "), given);
      for (const line of lines) assert.ok(line.length <= width || !line.includes(" "));
    }),
  );
});

test("what is wrapped hangs below its first line", () => {
  assert.equal(hang("one two three", 4, 11), "one two\n    three");
  assert.equal(hang("one two three", 4, Number.POSITIVE_INFINITY), "one two three");
});

test("what is cut fits its width, and shows that it was cut", () => {
  const path = "node /srv/weather/dist/index.js";
  assert.equal(cutEnd(path, 12), "node /srv/w…");
  assert.equal(cutMiddle(path, 20), "node …/dist/index.js");
  assert.equal(cutMiddle("/a-program-that-has-a-long-name --flag", 12), "…name --flag");
  for (const cut of [cutEnd, cutMiddle]) {
    assert.equal(cut(path, path.length), path);
    assert.equal(cut(path, 15).length, 15);
  }
});
