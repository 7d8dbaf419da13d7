import assert from "node:assert/strict";
import { test } from "node:test";
import { scanEnvelope } from "./envelope.ts";
import { insertion, metaInsertion, removals } from "./object-edits.ts";
import { splice } from "./splice.ts";

test("members are taken out with one comma each, wherever they stand", () => {
  for (const [object, left] of [
    ['{"x":1}', "{}"],
    ['{"x":1, "b":2}', '{"b":2}'],
    ['{"a":1, "x":1}', '{"a":1}'],
    ['{"x":1,"a":1,"\\u0078":2,"b":2,"x":3}', '{"a":1,"b":2}'],
    ["[1]", "[1]"],
  ] as const) {
    const bytes = Buffer.from(object);
    assert.equal(splice(bytes, removals(bytes, 0, new Set(["x"]))).toString(), left);
  }
});

test("members are put in front, with a comma where others follow", () => {
  for (const [object, whole] of [
    ["{ }", '{"x":1 }'],
    ['{"a":1}', '{"x":1,"a":1}'],
  ] as const) {
    const bytes = Buffer.from(object);
    assert.equal(splice(bytes, [insertion(bytes, 0, '"x":1')]).toString(), whole);
  }
});

test("params and their _meta are made where they are missing, and a _meta that is no object gives way", () => {
  const head = '{"jsonrpc":"2.0","id":1,"method":"m"';
  for (const rest of ["}", ',"params":{}}', ',"params":{"_meta":7}}', ',"params":{"_meta":{}}}']) {
    const scan = scanEnvelope(Buffer.from(head + rest));
    assert.ok(scan.ok);
    const { params } = JSON.parse(splice(scan.envelope.bytes, [metaInsertion(scan.envelope, '"x":1')]).toString()) as {
      params: unknown;
    };
    assert.deepEqual(params, { _meta: { x: 1 } });
  }
});
