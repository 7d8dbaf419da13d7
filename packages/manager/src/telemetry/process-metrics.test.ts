import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "./metrics.ts";
import { collectProcessMetrics } from "./process-metrics.ts";

test("a scrape says what the process costs now", () => {
  const metrics = new Metrics();
  using _collecting = collectProcessMetrics(metrics);
  const value = (text: string, name: string): number => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  const first = metrics.text();
  assert.ok(value(first, "mcp_manager_process_cpu_seconds_total") > 0);
  assert.ok(value(first, "mcp_manager_process_resident_memory_bytes") > 1e6);
  assert.match(first, /^mcp_manager_event_loop_delay_seconds\{quantile="0.99"\} [0-9.e-]+$/m);
  const second = metrics.text();
  const cpu = "mcp_manager_process_cpu_seconds_total";
  assert.ok(value(second, cpu) >= value(first, cpu));
});
