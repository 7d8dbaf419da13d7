import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "./base/clock.ts";
import { StopSignals } from "./signals.ts";

test("the first signal asks to stop, later ones to be quick, and none is heard after the end", async () => {
  const before = process.listenerCount("SIGTERM");
  const clock = new ManualClock();
  let again = 0;
  const signals = new StopSignals({ clock, isInTerminal: false });
  signals.onAgain = () => (again += 1);
  process.emit("SIGTERM");
  await signals.first;
  await clock.advance(1_500);
  process.emit("SIGINT");
  process.emit("SIGTERM");
  assert.equal(again, 2);
  signals[Symbol.dispose]();
  assert.equal(process.listenerCount("SIGTERM"), before);
});

test("a signal that comes twice at once is one ask", async () => {
  const clock = new ManualClock();
  let again = 0;
  using signals = new StopSignals({ clock, isInTerminal: false });
  signals.onAgain = () => (again += 1);
  process.emit("SIGINT");
  await clock.advance(1);
  process.emit("SIGINT");
  assert.equal(again, 0);
});

test("a hang-up asks to read again; from a terminal that was closed it asks to stop", async () => {
  const clock = new ManualClock();
  let hangUps = 0;
  let isThere = true;
  using signals = new StopSignals({ clock, isInTerminal: true, hasTerminal: () => isThere });
  signals.onHangUp = () => (hangUps += 1);
  process.emit("SIGHUP");
  assert.equal(hangUps, 1);
  isThere = false;
  process.emit("SIGHUP");
  await signals.first;
  assert.equal(hangUps, 1);
});
