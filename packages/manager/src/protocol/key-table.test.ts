import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeyTable, MemberRanges } from "./key-table.ts";
import { spelled, stringText } from "./testing/json-texts.ts";

const keys: readonly string[] = ["id", "io", "name", "io.modelcontextprotocol/logLevel", "_meta"];
const table = new KeyTable(keys.map((text, slot) => ({ text, slot })));

function find(written: string): number | undefined {
  const bytes = Buffer.from(written);
  return table.find(bytes, 1, bytes.length - 1)?.slot;
}

test("a key is found in any spelling, and nothing else is", () => {
  const property = fc.property(fc.oneof(fc.constantFrom(...keys).chain(spelled), stringText), (written) => {
    const slot = keys.indexOf(JSON.parse(written) as string);
    assert.equal(find(written), slot < 0 ? undefined : slot);
  });
  fc.assert(property, { numRuns: 500 });
});

test("near misses are misses", () => {
  for (const written of [
    '"i\\nd"',
    '"i\\u0064x"',
    '"i"',
    '"i\\u0164"',
    '"\\\\id"',
    '"ID"',
    '"i\\u00d4"',
    '""',
    '"id\\u0000"',
  ]) {
    assert.equal(find(written), undefined, written);
  }
});

test("the first place of a member is kept; that it came again is noted once", () => {
  const ranges = new MemberRanges(3);
  ranges.record(2, 5, 6);
  assert.deepEqual([ranges.start(2), ranges.end(2), ranges.start(0), ranges.end(0)], [5, 6, -1, -1]);
  assert.deepEqual(ranges.repeated, []);
  ranges.record(2, 7, 8);
  ranges.record(2, 9, 10);
  ranges.record(0, 1, 2);
  ranges.record(0, 3, 4);
  assert.deepEqual([ranges.start(2), ranges.end(2)], [5, 6]);
  assert.deepEqual(ranges.repeated, [2, 0]);
  assert.deepEqual(new MemberRanges(3).repeated, []);
});
