import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { ReplicaLogs } from "./logs.ts";

const never = new AbortController().signal;

async function texts(lines: AsyncIterable<{ replica: string; text: string }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { replica, text } of lines) found.push(`${replica}: ${text}`);
  return found;
}

test("a server's lines are those of its replicas, in the order they were written", async () => {
  const clock = new ManualClock();
  const logs = new ReplicaLogs({ clock, redact: (text) => text.replace("secret", "[redacted]") });
  logs.sink("weather", "weather-1-a").write("one");
  await clock.advance(10);
  logs.sink("weather", "weather-1-b").write("two secret");
  await clock.advance(10);
  logs.sink("weather", "weather-1-a").write("three");
  logs.sink("other", "other-1-a").write("elsewhere");
  const query = { server: "weather", follow: false, signal: never };
  assert.deepEqual(await texts(logs.read({ ...query, tail: 10 })), [
    "weather-1-a: one",
    "weather-1-b: two [redacted]",
    "weather-1-a: three",
  ]);
  assert.deepEqual(await texts(logs.read({ ...query, tail: 1 })), ["weather-1-a: three"]);
  assert.deepEqual(await texts(logs.read({ ...query, tail: 0 })), []);
  assert.deepEqual(await texts(logs.read({ ...query, tail: 10, replica: "weather-1-b" })), [
    "weather-1-b: two [redacted]",
  ]);
});

test("a reader that follows hears of replicas that come later, and ends with its signal", async () => {
  const logs = new ReplicaLogs({ clock: new ManualClock(), redact: (text) => text });
  logs.sink("weather", "weather-1-a").write("before");
  const done = new AbortController();
  const heard: string[] = [];
  for await (const { replica, text } of logs.read({ server: "weather", tail: 5, follow: true, signal: done.signal })) {
    heard.push(`${replica}: ${text}`);
    if (heard.length === 1) {
      logs.sink("weather", "weather-2-b").write("after");
      logs.sink("other", "other-1-c").write("not ours");
    } else done.abort();
  }
  assert.deepEqual(heard, ["weather-1-a: before", "weather-2-b: after"]);
});

test("what was written last is there to be quoted, until the replica is forgotten", async () => {
  const clock = new ManualClock();
  const logs = new ReplicaLogs({ clock, redact: (text) => text });
  for (const n of [1, 2, 3]) {
    await clock.advance(1_000);
    logs.sink("weather", "weather-1-a").write(`line ${n}`);
  }
  assert.deepEqual(logs.tail("weather-1-a", 2), ["line 2", "line 3"]);
  assert.deepEqual(logs.tail("weather-1-a", 20, new Date(clock.wallMs()).toISOString()), ["line 3"]);
  logs.forget("weather-1-a");
  assert.deepEqual(logs.tail("weather-1-a"), []);
});
