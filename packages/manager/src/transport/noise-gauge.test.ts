/** Lines that are no messages: kept short, few, and judged by how many there are of late. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { NoiseGauge, noiseText } from "./noise-gauge.ts";

test("a line is told as text: without colours, bounded, its control characters visible", () => {
  assert.equal(noiseText(Buffer.from("\u001b[1;32mready\u001b[0m\tnow\u0007")), "ready\u{fffd}now\u{fffd}");
  assert.equal(noiseText(Buffer.from([0x61, 0xff, 0x62])), "a\u{fffd}b");
  const long = noiseText(Buffer.alloc(100_000, "x"));
  assert.equal(long, `${"x".repeat(500)}…`);
});

test("only the last lines are kept", () => {
  const gauge = new NoiseGauge(new ManualClock());
  for (let i = 0; i < 100; i++) gauge.add(String(i));
  assert.deepEqual(gauge.recent, ["95", "96", "97", "98", "99"]);
});

test("G10 ten lines within ten seconds are too many, once for each such time", async () => {
  const clock = new ManualClock();
  const gauge = new NoiseGauge(clock);
  const add = (count: number): boolean[] => Array.from({ length: count }, () => gauge.add("x"));
  assert.equal(add(9).includes(true), false);
  await clock.advance(10_001);
  assert.equal(add(9).includes(true), false);
  assert.deepEqual(add(20), [true, ...Array<boolean>(19).fill(false)]);
  await clock.advance(10_001);
  assert.equal(add(10).filter(Boolean).length, 1);
});
