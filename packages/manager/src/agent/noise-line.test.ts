import assert from "node:assert/strict";
import { test } from "node:test";
import { noiseLine } from "./noise-line.ts";

test("a line on stdout that is no message is marked, bounded, and cannot drive a terminal", () => {
  assert.equal(noiseLine("\u001B[32mready\u001B[0m on\t3000\u0007"), "[stdout] ready on\t3000");
  assert.equal(noiseLine("x".repeat(5_000)).length, "[stdout] ".length + 1_025);
});
