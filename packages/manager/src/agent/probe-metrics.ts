/** What is counted of the probes: how many, and how they went. */
import type { Metrics } from "../telemetry/metrics.ts";
import type { ProbeResult } from "./health-monitor.ts";

/** Counts one probe of a server. */
export function countProbes(metrics: Metrics): (server: string, result: ProbeResult) => void {
  const probes = metrics.counter("mcp_manager_health_probes_total", "Probes of replicas by how they went.", [
    "server",
    "result",
  ]);
  return (server, result) => probes.child([server, result]).inc();
}
