import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CallTable } from "./call-table.ts";

test("it finds what a map would find, under numbers that only grow", () => {
  // Numbers above 9 add a call, the others take one of those in flight out.
  fc.assert(
    fc.property(fc.array(fc.nat(19), { maxLength: 400 }), (steps) => {
      const table = new CallTable<{ readonly id: number }>();
      const model = new Map<number, { readonly id: number }>();
      let last = 0;
      for (const step of steps) {
        if (step > 9) {
          const call = { id: table.newId() };
          assert.ok(call.id > last);
          last = call.id;
          table.add(call);
          model.set(call.id, call);
        } else {
          const call = [...model.values()][step];
          if (call !== undefined) {
            assert.ok(table.remove(call));
            assert.equal(table.remove(call), false);
            model.delete(call.id);
          }
        }
        assert.equal(table.size, model.size);
      }
      for (let id = 0; id < last + 3; id++) assert.equal(table.get(id), model.get(id));
      assert.deepEqual(new Set(table), new Set(model.values()));
    }),
  );
});

test("a call that stays long is in nobody's way, and is found among thousands", () => {
  const table = new CallTable<{ readonly id: number }>();
  const long = { id: table.newId() };
  table.add(long);
  for (let n = 0; n < 10_000; n++) {
    const call = { id: table.newId() };
    table.add(call);
    table.remove(call);
  }
  assert.equal(table.get(long.id), long);
  assert.equal(table.size, 1);
  const many = Array.from({ length: 5_000 }, () => {
    const call = { id: table.newId() };
    table.add(call);
    return call;
  });
  assert.ok(many.every((call) => table.get(call.id) === call));
});
