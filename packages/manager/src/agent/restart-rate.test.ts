import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { RestartRate } from "./restart-rate.ts";

test("however many end at once, ten a second are started again, in order", async () => {
  const clock = new ManualClock();
  const rate = new RestartRate(clock);
  const started: number[] = [];
  const { signal } = new AbortController();
  for (let number = 0; number < 25; number++) void rate.turn(signal).then(() => started.push(number));
  await clock.advance(950);
  assert.deepEqual(
    started,
    Array.from({ length: 10 }, (_, number) => number),
  );
  await clock.advance(2_000);
  assert.equal(started.length, 25);
});

test("who gives up waits no more", async () => {
  const clock = new ManualClock();
  const rate = new RestartRate(clock);
  const leaving = new AbortController();
  await rate.turn(leaving.signal);
  const turn = rate.turn(leaving.signal);
  leaving.abort(new Error("leaving"));
  await assert.rejects(turn, /leaving/);
  assert.equal(clock.pendingCount, 0);
});
