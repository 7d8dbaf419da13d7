import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecentMap } from "./recent-map.ts";

test("what is used often stays, what is not is forgotten", () => {
  const map = new RecentMap<string, number>(10);
  map.set("hot", 1);
  for (let number = 0; number < 100; number += 1) {
    map.set(`cold-${number}`, number);
    assert.equal(map.get("hot"), 1);
  }
  assert.equal(map.get("cold-3"), undefined);
});

test("it never holds more than it may, and never a wrong value", () => {
  const step = fc.record({ key: fc.nat(20), value: fc.option(fc.nat(5), { nil: undefined }), remove: fc.boolean() });
  const property = fc.property(fc.integer({ min: 2, max: 12 }), fc.array(step, { maxLength: 200 }), (max, steps) => {
    const map = new RecentMap<number, number>(max);
    const model = new Map<number, number>();
    for (const { key, value, remove } of steps) {
      if (remove) {
        map.delete(key);
        model.delete(key);
      } else if (value === undefined) {
        const found = map.get(key);
        assert.ok(found === undefined || found === model.get(key));
      } else {
        map.set(key, value);
        model.set(key, value);
        assert.equal(map.get(key), value);
      }
      assert.ok(map.size <= max);
    }
    map.clear();
    assert.equal(map.size, 0);
  });
  fc.assert(property, { numRuns: 500 });
});
