/** What is kept ready: within its bounds, the last used first. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeptPages } from "./kept-pages.ts";

test("pages are kept within a number and within bytes, whatever is put in", () => {
  const step = fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"),
    bytes: fc.nat(20_000),
    isRead: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const kept = new KeptPages<{ readonly bytes: number }>(6, 40_000);
      const last = new Map<string, object>();
      for (const { key, bytes, isRead } of steps) {
        if (isRead) {
          const found = kept.get(key);
          if (found !== undefined) assert.equal(found, last.get(key));
        } else {
          const page = { bytes };
          kept.set(key, page);
          last.set(key, page);
        }
        assert.ok(kept.size <= 6 && kept.bytes <= 40_000 && kept.bytes >= 0);
      }
    }),
  );
});

test("what is used stays while what is not used goes", () => {
  const kept = new KeptPages<{ readonly bytes: number }>(4, 1_000_000);
  const used = { bytes: 1 };
  kept.set("used", used);
  for (let i = 0; i < 20; i++) {
    kept.set(`other-${i}`, { bytes: 1 });
    assert.equal(kept.get("used"), used);
  }
  assert.equal(kept.get("other-1"), undefined);
});

test("a page that would push out half of the others is not kept, and what it replaces is gone", () => {
  const kept = new KeptPages<{ readonly bytes: number }>(10, 10_000);
  kept.set("a", { bytes: 100 });
  kept.set("a", { bytes: 6_000 });
  assert.deepEqual([kept.get("a"), kept.bytes, kept.size], [undefined, 0, 0]);
});
