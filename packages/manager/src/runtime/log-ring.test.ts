/** The ring of a replica's lines, and those who read it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { LineFollower, missedText } from "./line-follower.ts";
import { LogRing } from "./log-ring.ts";

function openRing(bytesMax?: number): LogRing {
  const redact = (text: string): string => text.replaceAll("s3cret", "[redacted]");
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  return new LogRing({ clock, redact, ...(bytesMax === undefined ? {} : { bytesMax }) });
}

test("lines are kept redacted, with the time of day", () => {
  const ring = openRing();
  ring.write("token is s3cret");
  assert.deepEqual(ring.tail(10), [{ at: "2026-01-01T00:00:00.000Z", text: "token is [redacted]" }]);
});

test("a tail is the last lines, oldest first", () => {
  const ring = openRing();
  for (const line of ["1", "2", "3"]) ring.write(line);
  assert.deepEqual(
    ring.tail(2).map(({ text }) => text),
    ["2", "3"],
  );
  assert.deepEqual(ring.tail(0), []);
});

test("the ring is bounded in bytes, and empty lines count too", () => {
  const ring = openRing(10_000);
  for (let i = 0; i < 10_000; i += 1) ring.write("");
  assert.equal(ring.tail(10_000).length, Math.floor(10_000 / 64));
  ring.write("x".repeat(9_000));
  assert.ok(ring.tail(10_000).length < 20);
  ring.write("x".repeat(20_000));
  assert.deepEqual(ring.tail(10), []);
  ring.write("after");
  assert.equal(ring.tail(10).length, 1);
});

test("a listener hears each new line as it is kept, until it leaves", () => {
  const ring = openRing();
  ring.write("before");
  const heard: string[] = [];
  const leave = ring.onLine(({ text }) => heard.push(text));
  ring.write("s3cret");
  leave();
  ring.write("after");
  assert.deepEqual(heard, ["[redacted]"]);
});

test("a slow reader is told how many lines it missed, where it missed them, and the writer never waits", async () => {
  const end = new AbortController();
  const follower = new LineFollower<string>({ signal: end.signal, missed: missedText, linesMax: 2 });
  const lines = follower.lines();
  const read = async (): Promise<string | void> => (await lines.next()).value;
  for (const line of ["1", "2", "3", "4"]) follower.push(line);
  assert.deepEqual([await read(), await read()], ["1", "2"]);
  follower.push("5");
  assert.equal(await read(), "… 3 lines were missed: this reader was too slow");
  follower.push("6");
  assert.equal(await read(), "6");
  const waiting = read();
  end.abort();
  assert.equal(await waiting, undefined);
});
