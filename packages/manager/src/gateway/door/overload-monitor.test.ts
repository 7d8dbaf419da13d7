import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import type { PassingEvent } from "../../events/event.ts";
import type { Pressures } from "../../resilience/overload.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import { OverloadMonitor } from "./overload-monitor.ts";
import type { PressureSource } from "./pressure.ts";

const calm: Pressures = { heap: 0.1, fds: 0.1, eventLoopDelay: 0 };

/** A monitor whose pressures the test sets. */
function watch(): {
  readonly clock: ManualClock;
  readonly monitor: OverloadMonitor;
  /** How often everything was read, and how often memory and descriptors alone. */
  readonly looks: { readonly all: number; readonly use: number };
  readonly events: PassingEvent[];
  readonly metrics: Metrics;
  set(pressures: Partial<Pressures>): void;
} {
  let now = calm;
  const clock = new ManualClock();
  const events: PassingEvent[] = [];
  const metrics = new Metrics();
  const looks = { all: 0, use: 0 };
  const source: PressureSource = {
    read() {
      looks.all += 1;
      return now;
    },
    readUse() {
      looks.use += 1;
      return { heap: now.heap, fds: now.fds };
    },
    [Symbol.dispose]: () => undefined,
  };
  const sink = { publish: (event: PassingEvent): void => void events.push(event) };
  const monitor = new OverloadMonitor({ source, clock, events: sink, metrics });
  return { clock, monitor, looks, events, metrics, set: (pressures) => (now = { ...calm, ...pressures }) };
}

test("each change of the stage is told once, with why, and shown in the metrics", async () => {
  const { clock, monitor, events, metrics, set } = watch();
  const heard: number[] = [];
  monitor.stage.onChange((stage) => heard.push(stage));
  await clock.advance(3_000);
  assert.deepEqual([events, monitor.state], [[], { stage: 0 }]);
  set({ heap: 0.93 });
  await clock.advance(3_000);
  assert.deepEqual(monitor.state, { stage: 2, message: "heap at 93 %, stage 2 begins at 92 %" });
  assert.match(metrics.text(), /^mcp_manager_overload_stage 2$/m);
  assert.match(metrics.text(), /^mcp_manager_overload_pressure\{resource="heap"\} 0\.93$/m);
  set({});
  await clock.advance(10_000);
  assert.deepEqual(heard, [2, 0]);
  assert.deepEqual(
    events.map(({ topic, severity, message, data }) => ({ topic, severity, message, data })),
    [
      {
        topic: "overload.stage",
        severity: "warning",
        message: "overload stage 0 → 2: heap at 93 %, stage 2 begins at 92 %",
        data: { from: 0, to: 2 },
      },
      { topic: "overload.stage", severity: "info", message: "overload stage 2 → 0", data: { from: 2, to: 0 } },
    ],
  );
});

test("where memory or descriptors run short those are looked at ten times as often, and the delay of the loop no oftener", async () => {
  const { clock, monitor, looks, set } = watch();
  await clock.advance(2_000);
  assert.deepEqual(looks, { all: 2, use: 0 });
  set({ heap: 0.75 });
  await clock.advance(3_000);
  assert.deepEqual(looks, { all: 5, use: 18 });
  set({ fds: 0.98 });
  await clock.advance(100);
  assert.equal(monitor.state.stage, 3);
});

test("after its end it looks no more", async () => {
  const { clock, monitor, events, set } = watch();
  monitor[Symbol.dispose]();
  set({ fds: 1 });
  await clock.advance(5_000);
  assert.deepEqual([events.length, clock.pendingCount], [0, 0]);
});
