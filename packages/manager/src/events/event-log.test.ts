import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "@mcp-manager/api";
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
    const common = { at: "2027-01-01T00:00:00Z", revision: "1", server: "weather", severity: "info" } as const;
    const server = { ...common, topic: "server.state" } as const;
    const events: readonly Event[] = [
      { ...server, message: "pending → starting", data: { from: "pending", to: "starting" } },
      { ...server, message: "starting → ready", data: { from: "starting", to: "ready" } },
      { ...common, topic: "server.failed", severity: "warning", message: "ready → failed: it exited" },
      { ...common, topic: "replica.state", replica: "weather-1-abcd", message: "starting → ready" },
    ];
    bus.publishStored(
      1n,
      events.map((event) => ({ event, bytes: 0 })),
    );
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
