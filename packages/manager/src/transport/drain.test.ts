import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { Drain } from "./drain.ts";

function begin(): { clock: ManualClock; drain: Drain; isOver: () => boolean } {
  const clock = new ManualClock();
  const drain = new Drain(clock);
  let over = false;
  void drain.over.then(() => (over = true));
  return { clock, drain, isOver: () => over };
}

test("it is over when the time is up", async () => {
  const { clock, drain, isOver } = begin();
  drain.within(1_000);
  await clock.advance(999);
  assert.equal(isOver(), false);
  await clock.advance(1);
  assert.equal(isOver(), true);
});

test("a second ask can only shorten it", async () => {
  const { clock, drain, isOver } = begin();
  drain.within(60_000);
  drain.within(600_000);
  drain.within(1_000);
  await clock.advance(1_000);
  assert.equal(isOver(), true);
  const other = begin();
  other.drain.within(60_000);
  other.drain.within(0);
  await other.clock.advance(0);
  assert.equal(other.isOver(), true);
});

test("it is over when nothing is in flight, and leaves no timer", async () => {
  const { clock, drain, isOver } = begin();
  drain.within(60_000);
  drain.end();
  await clock.advance(0);
  assert.equal(isOver(), true);
  assert.equal(clock.pendingCount, 0);
});
