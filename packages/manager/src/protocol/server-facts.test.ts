import assert from "node:assert/strict";
import { test } from "node:test";
import { asRecord, decodeResult, implementationOf } from "./server-facts.ts";

test("only objects have members", () => {
  const value = { a: 1 };
  assert.equal(asRecord(value), value);
  for (const other of [[], null, undefined, 1, "a", true]) assert.equal(asRecord(other), undefined);
});

test("the result of a response is decoded when it is an object that comes once", () => {
  assert.deepEqual(decodeResult(Buffer.from('{"id":1, "result": {"é":[1]} }')), { é: [1] });
  for (const text of [
    '{"result":[1]}',
    '{"result":null}',
    '{"error":{}}',
    '{"result":{},"result":{}}',
    "[]",
    "{",
    "",
  ]) {
    assert.equal(decodeResult(Buffer.from(text)), undefined, text);
  }
});

test("a name and a version are taken when they are texts", () => {
  assert.deepEqual(implementationOf({ name: "a", version: "1", title: "A" }), { name: "a", version: "1" });
  assert.deepEqual(implementationOf({ name: 1 }), { name: "unknown", version: "unknown" });
  assert.deepEqual(implementationOf(undefined), { name: "unknown", version: "unknown" });
});
