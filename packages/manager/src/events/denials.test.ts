import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { Denials } from "./denials.ts";
import type { PassingEvent } from "./event.ts";

test("a refusal is told with who, what and why, and a flood of them as a number", async () => {
  const clock = new ManualClock();
  const told: PassingEvent[] = [];
  const denials = new Denials({ publish: (event) => told.push(event) }, clock);
  denials.denied({ who: "key:ci", action: "putServer", target: "servers/weather", reason: "permission_denied" });
  denials.denied({ action: "http GET", target: "/mcp", reason: "unknown key", address: "127.0.0.1" });
  assert.deepEqual(
    told.map(({ server, message }) => [server, message]),
    [
      ["weather", "key:ci was refused putServer servers/weather: permission_denied"],
      [undefined, "somebody without a good credential was refused http GET /mcp: unknown key"],
    ],
  );
  for (let count = 0; count < 100; count += 1) denials.denied({ action: "http GET" });
  assert.equal(told.length, 10);
  await clock.advance(1_000);
  denials.denied({ action: "http GET" });
  assert.deepEqual(told[10]?.data, { action: "http GET", untold: 92 });
});
