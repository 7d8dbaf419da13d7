import assert from "node:assert/strict";
import { test } from "node:test";
import { idOfLong, isLongPlainResult } from "./long-response.ts";

const long = "x".repeat(5_000);

function isKnown(text: string): boolean {
  return idOfLong(Buffer.from(text)) !== undefined;
}

test("only long messages in a usual spelling are answered without being read", () => {
  assert.equal(isKnown(`{"jsonrpc":"2.0","id":1,"result":{"x":"${long}"}}`), true);
  assert.equal(isKnown(`{"result":{"x":"${long}"},"jsonrpc":"2.0","id":"a"}`), true);
  assert.equal(isKnown('{"jsonrpc":"2.0","id":1,"result":{}}'), false);
  assert.equal(isKnown(`{"id":1,"jsonrpc":"2.0","result":{"x":"${long}"}}`), false);
  assert.equal(isKnown(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"x":"${long}"}}`), false);
  assert.equal(isKnown(`{"jsonrpc":"2.0","id":"\\u0061","result":{"x":"${long}"}}`), false);
  assert.equal(isKnown(`{"result":{"x":"${long}"},"jsonrpc":"2.0","id":"\\u0061"}`), false);
  assert.equal(isKnown(`{"jsonrpc":"2.0","id":"${long}`), false);
});

test("keys `id` of inner objects do not make it doubtful, however many and however spelled; one of its own does", () => {
  const rows = (row: string): string => Array.from({ length: 1_000 }, () => row).join(",");
  const message = (rest: string): string => `{"jsonrpc":"2.0","id":1,"result":{"x":"${long}",${rest}}}`;
  assert.equal(isKnown(message(`"rows":[${rows('{ "id": 1, "text": "" }')}]`)), true);
  assert.equal(isKnown(message(`"rows":[${rows('{ "text": "", "id": 1 }')}]`)), true);
  assert.equal(isKnown(message('"row":{"a":1,"i\\u0064":2}')), true);
  assert.equal(isKnown(message('"text":"\\"id\\": 1006"')), true);
  assert.equal(isKnown(message('"a":1},"id":{"b":2')), false);
  assert.equal(isKnown(message('"a":1},"i\\u0064":{"b":2')), false);
});

test("a long result is plain when no word in it could mean a failure", () => {
  const isPlain = (text: string): boolean => isLongPlainResult(Buffer.from(text));
  assert.equal(isPlain(`{"jsonrpc":"2.0","id":1,"result":{"x":"${long}"}}`), true);
  assert.equal(isPlain(`{"result":{"x":"${long}`), true);
  assert.equal(isPlain('{"result":{}}'), false);
  assert.equal(isPlain(`{"jsonrpc":"2.0","id":1,"error":{"message":"${long}"}}`), false);
  assert.equal(isPlain(`{"result":{"x":"${long}","isError":false}}`), false);
  assert.equal(isPlain(`{"result":{"x":"${long}","resultType":"input_required"}}`), false);
});
