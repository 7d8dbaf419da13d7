import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memberOf, scanList } from "./list.ts";
import { memberText, objectOf, objectText, spelled, stringText, valueText } from "./testing/json-texts.ts";
import { treeOf, valuesAt } from "./testing/reference.ts";

function toolsIn(items: string, more = ""): ReturnType<typeof scanList> {
  return scanList(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"tools":${items}${more}}}`), "tools");
}

const item = fc.oneof(
  objectOf(fc.tuple(memberText(spelled("name"), stringText), memberText(stringText, valueText))),
  objectText,
  valueText,
);

test("every item with one string for its key is given as it was written; the others are counted", () => {
  const property = fc.property(fc.array(item, { maxLength: 5 }), (texts) => {
    const list = toolsIn(`[${texts.join(" , ")}]`);
    const good = texts.flatMap((text) => {
      const [name, ...more] = valuesAt(treeOf(text), ["name"]);
      const isKey = name?.kind === "scalar" && name.written.startsWith('"') && more.length === 0;
      return isKey ? [{ text, key: JSON.parse(name.written) as string, written: name.written }] : [];
    });
    assert.deepEqual(
      list?.items.map(({ bytes, key, keyStart, keyEnd }) => ({
        text: bytes.toString(),
        key,
        written: bytes.toString("utf8", keyStart, keyEnd),
      })),
      good,
    );
    assert.equal(list?.droppedCount, texts.length - good.length);
  });
  fc.assert(property, { numRuns: 200 });
});

test("each list has its own key", () => {
  const uri = Buffer.from('{"result":{"resources":[{"uri":"a:b"}],"resourceTemplates":[{"uriTemplate":"a:{b}"}]}}');
  assert.equal(scanList(uri, "resources")?.items[0]?.key, "a:b");
  assert.equal(scanList(uri, "resourceTemplates")?.items[0]?.key, "a:{b}");
  assert.equal(scanList(Buffer.from('{"result":{"prompts":[{"name":"p"}]}}'), "prompts")?.items[0]?.key, "p");
});

test("cursor and cache hints are read as far as they make sense", () => {
  const list = toolsIn("[]", ',"nextCursor":"c\\n","ttlMs":500,"cacheScope":"public"');
  assert.deepEqual(list, { items: [], droppedCount: 0, nextCursor: "c\n", ttlMs: 500, cacheScope: "public" });
  assert.deepEqual(toolsIn("[]", ',"nextCursor":null,"ttlMs":"1","cacheScope":"secret"'), {
    items: [],
    droppedCount: 0,
    nextCursor: undefined,
  });
});

test("what is no list result is none", () => {
  for (const items of ["{}", "null", "[1", '[],"tools":[]']) assert.equal(toolsIn(items), undefined, items);
  assert.equal(scanList(Buffer.from('{"result":{}}'), "tools"), undefined);
  assert.equal(scanList(Buffer.from('{"error":{"code":1,"message":""}}'), "tools"), undefined);
});

test("a member is found once or not at all", () => {
  const at = (text: string): string | undefined => {
    const range = memberOf(Buffer.from(text), "description");
    return range === undefined ? undefined : text.slice(range.start, range.end);
  };
  assert.equal(at('{"a":{"description":1},"descr\\u0069ption" : [2] }'), "[2]");
  for (const none of ['{"a":1}', '{"description":1,"descr\\u0069ption":2}', "[]", "", '{"description":1']) {
    assert.equal(at(none), undefined, none);
  }
});
