import assert from "node:assert/strict";
import { test } from "node:test";
import { scanList } from "./list.ts";
import { listResult, resultResponse } from "./results.ts";

const id = Buffer.from('"a\\u0062"');

test("a response has the id as it was written, and the result as given", () => {
  assert.equal(resultResponse(id, {}).toString(), '{"jsonrpc":"2.0","id":"a\\u0062","result":{}}');
  const result = Buffer.from('{"n":1.0}');
  assert.equal(resultResponse(Buffer.from("1"), result).toString(), '{"jsonrpc":"2.0","id":1,"result":{"n":1.0}}');
});

test("a legacy list has its items as they were and a cursor when there is one", () => {
  const items = [Buffer.from('{"name": "a"}'), Buffer.from('{"name":"b"}')];
  assert.equal(
    listResult("legacy", id, "tools", items).toString(),
    '{"jsonrpc":"2.0","id":"a\\u0062","result":{"tools":[{"name": "a"},{"name":"b"}]}}',
  );
  assert.equal(
    listResult("legacy", id, "tools", [], {
      nextCursor: "c",
      ttlMs: 5,
      cacheScope: "public",
      meta: { a: 1 },
    }).toString(),
    '{"jsonrpc":"2.0","id":"a\\u0062","result":{"tools":[],"nextCursor":"c","_meta":{"a":1}}}',
  );
});

test("a modern list always says its type and how long it may be kept; unless told, not at all and by nobody else", () => {
  assert.equal(
    listResult("modern", id, "prompts", []).toString(),
    '{"jsonrpc":"2.0","id":"a\\u0062","result":{"resultType":"complete","prompts":[],"ttlMs":0,"cacheScope":"private"}}',
  );
  const hinted = listResult("modern", id, "resources", [Buffer.from('{"uri":"a:b"}')], {
    ttlMs: 5,
    cacheScope: "public",
  });
  const list = scanList(hinted, "resources");
  assert.deepEqual([list?.items.length, list?.ttlMs, list?.cacheScope], [1, 5, "public"]);
});
