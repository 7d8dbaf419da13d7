import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import type { PassingEvent } from "../../events/event.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import { CallMetrics } from "./call-metrics.ts";
import { CallSamples } from "./call-samples.ts";

test("every ten seconds each server that was asked something says what came of it, and once that it is quiet", async () => {
  const clock = new ManualClock();
  const told: PassingEvent[] = [];
  const metrics = new CallMetrics(new Metrics());
  using _samples = new CallSamples({ metrics, events: { publish: (event) => told.push(event) }, clock });
  const calls = metrics.of("weather", "weather-1", "tools/call");
  calls.ended("result", 10);
  calls.ended("timeout", 50);
  calls.ended("tool_error", 30);
  metrics.of("weather", "weather-2", "tools/list").ended("refused", 2);
  metrics.of("news", "news-1", "tools/call").ended("result", 1);
  metrics.of("", "", "initialize").ended("result", 1);
  await clock.advance(10_000);
  assert.deepEqual(
    told.map(({ server, data }) => [server, data]),
    [
      ["weather", { requests: 4, failures: 1, errors: 1, refused: 1, meanMs: 23 }],
      ["news", { requests: 1, failures: 0, errors: 0, refused: 0, meanMs: 1 }],
    ],
  );
  calls.ended("result", 4);
  await clock.advance(30_000);
  assert.deepEqual(
    told.slice(2).map(({ server, message }) => `${server}: ${message}`),
    ["weather: 1 requests in 10 s, 4 ms each", "news: 0 requests in 10 s", "weather: 0 requests in 10 s"],
  );
});
