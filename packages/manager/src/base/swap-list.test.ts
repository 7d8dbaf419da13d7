import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SwapList } from "./swap-list.ts";

test("it holds what a set would hold", () => {
  const change = fc.tuple(fc.boolean(), fc.nat(9));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const items = Array.from({ length: 10 }, (_, name) => ({ name, place: -1 }));
      const list = new SwapList<(typeof items)[number]>();
      const model = new Set<unknown>();
      for (const [isAdded, index] of changes) {
        const item = items[index];
        assert.ok(item);
        if (isAdded && item.place < 0) {
          list.add(item);
          model.add(item);
        } else if (!isAdded) assert.equal(list.remove(item), model.delete(item));
        assert.equal(list.size, model.size);
        assert.deepEqual(new Set(list), model);
      }
      list.clear();
      assert.equal(list.size, 0);
      assert.ok(items.every(({ place }) => place === -1));
    }),
  );
});
