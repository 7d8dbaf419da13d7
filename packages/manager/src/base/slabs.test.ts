import assert from "node:assert/strict";
import { test } from "node:test";
import { slabBytes, Slabs } from "./slabs.ts";

test("what is given back is used again, once", () => {
  const slabs = new Slabs();
  const slab = slabs.take();
  assert.equal(slab.length, slabBytes);
  const view = slabs.lend(slab, 10, 20);
  assert.equal(view.length, 10);
  assert.notEqual(slabs.take(), slab);
  slabs.giveBack(view);
  slabs.giveBack(view);
  assert.equal(slabs.take(), slab);
  assert.notEqual(slabs.take(), slab);
});

test("a part of what was lent, a copy, and any other buffer are left to the collector", () => {
  const slabs = new Slabs();
  const slab = slabs.take();
  const view = slabs.lend(slab, 0, 100);
  for (const other of [view.subarray(0, 100), Buffer.from(view), Buffer.concat([view]), Buffer.alloc(slabBytes)]) {
    slabs.giveBack(other);
    assert.notEqual(slabs.take(), slab);
  }
});

test("a loan can go over to a part, and comes back with that alone", () => {
  const slabs = new Slabs();
  const slab = slabs.take();
  const view = slabs.lend(slab, 10, 110);
  assert.equal(slabs.part(view, 0, 100), view);
  const part = slabs.part(view, 5, 50);
  assert.deepEqual([part.length, part.byteOffset - slab.byteOffset], [45, 15]);
  slabs.giveBack(view);
  assert.notEqual(slabs.take(), slab);
  slabs.giveBack(part);
  assert.equal(slabs.take(), slab);
  const other = Buffer.from("abcd");
  assert.equal(slabs.part(other, 1, 3).toString(), "bc");
});

test("of either size no more is kept than 8 MiB", () => {
  for (const [isLong, kept] of [
    [false, 128],
    [true, 32],
  ] as const) {
    const slabs = new Slabs();
    const views = Array.from({ length: 150 }, () => slabs.lend(slabs.take(isLong), 0, 1));
    for (const view of views) slabs.giveBack(view);
    const again = new Set(Array.from({ length: 150 }, () => slabs.take(isLong).buffer));
    assert.equal(views.filter((view) => again.has(view.buffer)).length, kept);
  }
});
