import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeString,
  depthMax,
  elementsAt,
  membersAt,
  notUtf8,
  numberAt,
  readDocument,
  skipSpace,
  stringAt,
  tooDeep,
} from "./json.ts";
import { documentText, nested, numberText, objectText, stringText, valueText } from "./testing/json-texts.ts";
import { depthOf, treeOf } from "./testing/reference.ts";

function read(text: string | Buffer): number {
  return readDocument(Buffer.from(text), undefined, undefined);
}

test("every valid text is read to its end, unless it is too deep", () => {
  const property = fc.property(documentText, (text) => {
    const expected = depthOf(text) > depthMax ? tooDeep : Buffer.byteLength(text);
    assert.equal(read(text), expected);
  });
  fc.assert(property, { numRuns: 300 });
});

test("a text that ends early or goes on is refused at the byte where it stops being JSON", () => {
  assert.equal(read('{"a":[1,tru'), ~8);
  assert.equal(read('["a'), ~3);
  assert.equal(read('["\\u00'), ~3);
  assert.equal(read("[1] x"), ~4);
  assert.equal(read(" \n"), ~2);
  assert.equal(read(Buffer.from('["a\tb"]')), ~3);
});

test("of all bytes below the space only white space may stand between values, and none in a string", () => {
  for (let byte = 0; byte < 0x20; byte++) {
    const isSpace = [0x09, 0x0a, 0x0d].includes(byte);
    assert.equal(read(Buffer.of(0x5b, byte, 0x5d)) > 0, isSpace);
    assert.equal(read(Buffer.concat([Buffer.from('"abcde'), Buffer.of(byte), Buffer.from('"')])), ~6);
  }
  assert.ok(read('"\u007f"') > 0);
});

test("a byte sequence that is no UTF-8 is refused in strings as anywhere", () => {
  for (const wrong of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    assert.equal(read(Buffer.from([0x22, ...wrong, 0x22])), notUtf8);
    assert.ok(read(Buffer.from([0x5b, ...wrong, 0x5d])) < 0);
  }
});

test("bombs are refused or read in one pass: a hundred thousand levels, keys, and digits", () => {
  assert.equal(read(nested("", 100_000, false)), tooDeep);
  assert.equal(read(nested("1", 100_000, true)), tooDeep);
  const keys = `{${Array.from({ length: 100_000 }, (_, i) => `"\\u0061${i}":1`).join(",")}}`;
  assert.equal(read(keys), keys.length);
  assert.equal(read("9".repeat(100_000)), 100_000);
  assert.equal(read(`"${"\\\\".repeat(100_000)}"`), 200_002);
});

test("strings and numbers are decoded as JSON.parse decodes them", () => {
  const property = fc.property(fc.oneof(stringText, numberText), (text) => {
    const bytes = Buffer.from(`[${text}]`);
    const end = bytes.length - 1;
    const value = JSON.parse(text) as unknown;
    assert.equal(stringAt(bytes, 1, end), typeof value === "string" ? value : undefined);
    assert.equal(numberAt(bytes, 1, end), typeof value === "number" ? value : undefined);
    if (typeof value === "string") assert.equal(decodeString(bytes, 1, end), value);
  });
  fc.assert(property, { numRuns: 300 });
  assert.equal(stringAt(Buffer.from('"a"'), -1, -1), undefined);
  assert.equal(numberAt(Buffer.from("1"), -1, -1), undefined);
});

test("the members of any object are listed in order, with their keys as written", () => {
  const property = fc.property(objectText, (text) => {
    const bytes = Buffer.from(text);
    const tree = treeOf(text);
    assert.ok(tree.kind === "object");
    const members = membersAt(bytes, 0);
    assert.deepEqual(
      members?.map((member) => ({
        writtenKey: bytes.toString("utf8", member.keyStart, member.keyEnd),
        value: treeOf(bytes.toString("utf8", member.start, member.end)),
      })),
      tree.members.map(({ writtenKey, value }) => ({ writtenKey, value })),
    );
  });
  fc.assert(property, { numRuns: 200 });
});

test("the elements of any array are listed in order; too many are refused", () => {
  const property = fc.property(fc.array(valueText, { maxLength: 5 }), (texts) => {
    const bytes = Buffer.from(` [ ${texts.join(" , ")} ] `);
    const ends = elementsAt(bytes, 1);
    const found = texts.map((_, i) => bytes.toString("utf8", ends?.[i * 2], ends?.[i * 2 + 1]));
    assert.equal(ends?.length, texts.length * 2);
    assert.deepEqual(found, texts);
    assert.equal(elementsAt(bytes, 1, texts.length)?.length, texts.length * 2);
    if (texts.length > 0) assert.equal(elementsAt(bytes, 1, texts.length - 1), undefined);
  });
  fc.assert(property, { numRuns: 200 });
});

test("what is no object has no members, what is no array no elements", () => {
  for (const text of ["[]", "1", "", '{"a":1', '{"a" 1}', '{"a":1 "b":2}', "{a:1}", '{"a":}'])
    assert.equal(membersAt(Buffer.from(text), 0), undefined, text);
  for (const text of ["{}", "1", "", "[1", "[1 2]", "[,]", "[1,]"])
    assert.equal(elementsAt(Buffer.from(text), 0), undefined, text);
});

test("white space is the four characters of the grammar and nothing else", () => {
  assert.equal(skipSpace(Buffer.from(" \t\r\n1"), 0), 4);
  for (const byte of [0x00, 0x0b, 0x0c, 0x1f, 0x21, 0xa0]) assert.equal(skipSpace(Buffer.of(byte), 0), 0);
});
