import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import type { PassingEvent } from "../events/event.ts";
import { type GuardChange, ServerGuard } from "../resilience/server-guard.ts";
import { usualRules as rules } from "../resilience/testing.ts";
import { Guards } from "./guards.ts";
import { UpstreamSet } from "./upstream-set.ts";

interface Bench {
  readonly guards: Guards;
  readonly events: PassingEvent[];
  /** Servers of which something changed. */
  readonly changed: string[];
  /** What the guard of `weather` would say. */
  change(change: GuardChange): void;
}

/** With the server `weather` routed. */
function openBench(): Bench {
  const clock = new ManualClock();
  const events: PassingEvent[] = [];
  const changed: string[] = [];
  let say: (change: GuardChange) => void = () => undefined;
  const guards = new Guards({
    upstreams: new UpstreamSet(),
    events: { publish: (event) => events.push(event) },
    make(server, given, onChange) {
      say = onChange;
      return new ServerGuard({ server, rules: given, clock, random: seededRandom(1), onChange });
    },
  });
  guards.onChange((server) => changed.push(server));
  guards.follow(new Map([["weather", { rules }]]));
  return { guards, events, changed, change: (change) => say(change) };
}

test("what a person decides about a breaker is one event, and said again none", () => {
  const { guards, events, changed } = openBench();
  const open = { state: "open", reason: "silence until noon", by: "key:ops" } as const;
  guards.force("weather", open);
  guards.force("weather", open);
  guards.force("weather", undefined);
  guards.force("weather", { ...open, state: "closed", reason: "we know" });
  guards.force("unknown", open);
  assert.deepEqual(
    events.map(({ topic, server, message, severity }) => [topic, server, message, severity]),
    [
      ["breaker.state", "weather", "closed → open: held open: silence until noon", "warning"],
      ["breaker.state", "weather", "open → closed: it is no longer held", "info"],
      ["breaker.state", "weather", "held closed: we know", "info"],
    ],
  );
  assert.deepEqual(changed, ["weather", "weather", "weather"]);
});

test("the breaker of a tool, and a replica that is put aside, taken back or left alone, are events too", () => {
  const { events, change } = openBench();
  const reason = "10 of 10 calls failed within 30 s";
  change({ kind: "breaker", tool: "forecast", from: "closed", to: "open", reason });
  change({ kind: "breaker", tool: undefined, revision: "weather-2", from: "closed", to: "open", reason });
  change({ kind: "ejected", replica: "weather-1-aaaa", reason: "5 failures in a row", forMs: 31_200 });
  change({ kind: "returned", replica: "weather-1-aaaa" });
  change({ kind: "held-off", replica: "weather-1-aaaa", forMs: 90_000 });
  assert.deepEqual(
    events.map(({ message, replica, data }) => ({ message, replica, data })),
    [
      {
        message: `tool forecast: closed → open: ${reason}`,
        replica: undefined,
        data: { from: "closed", to: "open", reason, tool: "forecast" },
      },
      {
        message: `revision weather-2: closed → open: ${reason}`,
        replica: undefined,
        data: { from: "closed", to: "open", reason, revision: "weather-2" },
      },
      {
        message: "put aside for 31s: 5 failures in a row",
        replica: "weather-1-aaaa",
        data: { ejected: true, reason: "5 failures in a row" },
      },
      { message: "taken back", replica: "weather-1-aaaa", data: { ejected: false } },
      { message: "left alone for 90s, as its server asked for", replica: "weather-1-aaaa", data: { forMs: 90_000 } },
    ],
  );
});

test("a server that is no longer routed is forgotten, and one routed again begins anew", () => {
  const { guards, events } = openBench();
  guards.force("weather", { state: "open", reason: "silence", by: "key:ops" });
  guards.follow(new Map());
  assert.equal(guards.of("weather"), undefined);
  guards.follow(new Map([["weather", { rules }]]));
  assert.equal(guards.of("weather")?.breaker, "closed");
  assert.equal(events.length, 1);
});
