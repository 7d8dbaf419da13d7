/** What the process itself costs: processor time, memory, how long its event loop is held up. Read at each scrape. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metrics } from "./metrics.ts";

/** Nanoseconds in a second. */
const nanos = 1e9;
/** 1 is the longest stall: one among thousands of samples would not show otherwise. */
const quantiles = [0.5, 0.99, 1] as const;
/** A sample every 20 ms costs nothing that could be measured and finds every stall that a caller would notice. */
const resolutionMs = 20;

/** Registers the metrics; disposing stops the sampling. */
export function collectProcessMetrics(metrics: Metrics): Disposable {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const cpu = metrics.counter("mcp_manager_process_cpu_seconds_total", "Processor time used, user and system.").child();
  const resident = metrics.gauge("mcp_manager_process_resident_memory_bytes", "Memory held by the process.").child();
  const heap = metrics.gauge("mcp_manager_process_heap_bytes", "JavaScript heap in use.").child();
  const held = metrics.gauge(
    "mcp_manager_event_loop_delay_seconds",
    "How late the event loop was since the last scrape.",
    ["quantile"],
  );
  const delays = quantiles.map((quantile) => ({ quantile, child: held.child([String(quantile)]) }));
  metrics.onScrape(() => {
    const { user, system } = process.cpuUsage();
    cpu.inc(Math.max(0, (user + system) / 1e6 - cpu.value));
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heap.set(memory.heapUsed);
    for (const { quantile, child } of delays) {
      const lateNanos = delay.percentile(quantile * 100) - resolutionMs * 1e6;
      child.set(Number.isFinite(lateNanos) ? Math.max(0, lateNanos) / nanos : 0);
    }
    delay.reset();
  });
  return { [Symbol.dispose]: () => void delay.disable() };
}
