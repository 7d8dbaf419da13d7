/** What the process itself costs: processor time, memory, how long its event loop is held up. Read at each scrape. */
import { LoopDelay } from "../base/loop-delay.ts";
import type { Metrics } from "./metrics.ts";

/** 1 is the longest stall: one among thousands of samples would not show otherwise. */
const quantiles = [0.5, 0.99, 1] as const;

/** Registers the metrics; disposing stops the sampling. */
export function collectProcessMetrics(metrics: Metrics): Disposable {
  const delay = new LoopDelay();
  const cpu = metrics.counter("mcp_manager_process_cpu_seconds_total", "Processor time used, user and system.").child();
  const resident = metrics.gauge("mcp_manager_process_resident_memory_bytes", "Memory held by the process.").child();
  const heap = metrics.gauge("mcp_manager_process_heap_bytes", "JavaScript heap in use.").child();
  const held = metrics.gauge(
    "mcp_manager_event_loop_delay_seconds",
    "How late the event loop was since the scrape before the last.",
    ["quantile"],
  );
  const delays = quantiles.map((quantile) => held.child([String(quantile)]));
  metrics.onScrape(() => {
    const { user, system } = process.cpuUsage();
    cpu.inc(Math.max(0, (user + system) / 1e6 - cpu.value));
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heap.set(memory.heapUsed);
    for (const [at, lateMs] of delay.look(quantiles).entries()) delays[at]?.set(lateMs / 1e3);
  });
  return delay;
}
