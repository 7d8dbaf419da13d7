/** How many replicas are in which state, per server; read at each scrape. */
import type { Replica } from "@mcp-manager/api";
import type { Informer } from "../registry/informer.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export function collectReplicaMetrics(metrics: Metrics, replicas: Informer<Replica>): void {
  const gauge = metrics.gauge("mcp_manager_replicas", "Replicas by server and state.", ["server", "state"]);
  metrics.onScrape(() => {
    gauge.clear();
    for (const { spec, status } of replicas.list()) gauge.child([spec.server, status.state]).add(1);
  });
}
