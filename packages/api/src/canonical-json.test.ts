/** One spelling of a value. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "./canonical-json.ts";

test("members come in order at every depth, lists as they are", () => {
  const value: unknown = JSON.parse('{"b":[{"d":1,"c":2},1],"a":null,"__proto__":{"z":1,"y":2}}');
  assert.equal(canonicalJson(value), '{"__proto__":{"y":2,"z":1},"a":null,"b":[{"c":2,"d":1},1]}');
});

test("nothing is lost, and the text of the text is the text", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const text = canonicalJson(JSON.parse(json));
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(JSON.parse(json))));
      assert.equal(canonicalJson(JSON.parse(text)), text);
    }),
  );
});
