import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { EventBus } from "./bus.ts";
import { logEvents } from "./event-log.ts";

function collector(): { readonly lines: unknown[]; readonly logger: Parameters<typeof logEvents>[1] } {
  const lines: unknown[] = [];
  const write =
    (level: string) =>
    (message: string, fields: object): void =>
      void lines.push({ level, message, ...fields });
  return { lines, logger: { debug: write("debug"), info: write("info"), warn: write("warn") } };
}

test("each event is one line, as loud as it matters", async () => {
  const bus = new EventBus({ clock: new ManualClock() });
  const { lines, logger } = collector();
  {
    await using _log = logEvents(bus, logger);
    const server = { topic: "server.state", server: "weather", severity: "info" } as const;
    bus.publish({ ...server, message: "pending → starting", data: { from: "pending", to: "starting" } });
    bus.publish({ ...server, message: "starting → ready", data: { from: "starting", to: "ready" } });
    bus.publish({ ...server, severity: "warning", message: "ready → failed: it exited" });
    bus.publish({ ...server, topic: "replica.state", replica: "weather-1-abcd", message: "starting → ready" });
    assert.deepEqual(lines, [], "publishing waits for nobody");
  }
  const message = "a server changed its state";
  const replica = "weather-1-abcd";
  assert.deepEqual(lines, [
    { level: "debug", message, server: "weather", replica: undefined, change: "pending → starting" },
    { level: "info", message, server: "weather", replica: undefined, change: "starting → ready" },
    { level: "warn", message, server: "weather", replica: undefined, change: "ready → failed: it exited" },
    { level: "debug", message: "a replica changed its state", server: "weather", replica, change: "starting → ready" },
  ]);
});

test("events that came too fast are counted in a line", async () => {
  const bus = new EventBus({ clock: new ManualClock(), capacity: 2 });
  const { lines, logger } = collector();
  {
    await using _log = logEvents(bus, logger);
    for (let count = 0; count < 5; count += 1) bus.publish({ topic: "overload.stage", message: "1", severity: "info" });
  }
  assert.deepEqual(lines[0], { level: "warn", message: "events came faster than they could be logged", missed: 3 });
  assert.equal(lines.length, 3);
});
