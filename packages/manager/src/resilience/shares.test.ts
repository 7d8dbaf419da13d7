import assert from "node:assert/strict";
import { test } from "node:test";
import { Shares } from "./shares.ts";

test("a principal's record is the same as long as it has something", () => {
  const shares = new Shares();
  const held = shares.of("alice");
  held.inFlight = 1;
  for (let i = 0; i < 10_000; i++) shares.of(`passer-by ${i}`);
  assert.equal(shares.of("alice"), held);
});

test("those with nothing are forgotten before they are many", () => {
  const shares = new Shares();
  for (let i = 0; i < 100; i++) shares.of(`worker ${i}`).waiting = 1;
  for (let i = 0; i < 50_000; i++) {
    shares.of(`passer-by ${i}`);
    assert.ok(shares.size <= 100 + 1_024);
  }
});
