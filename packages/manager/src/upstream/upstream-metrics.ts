/** What is counted of the connections to servers: those that are lent to single calls, and messages that reached nobody. */
import type { Unsubscribe } from "../base/watched.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { UpstreamSet } from "./upstream-set.ts";

/** Shows them until the answer is called. */
export function collectUpstreamMetrics(metrics: Metrics, upstreams: UpstreamSet): Unsubscribe {
  const dropped = metrics.counter(
    "mcp_manager_upstream_messages_dropped_total",
    "Messages of servers that reached nobody: late, or of any of several calls.",
    ["server", "what"],
  );
  const leases = metrics.gauge("mcp_manager_leases", "Connections lent to single calls, and calls that wait for one.", [
    "server",
    "state",
  ]);
  metrics.onScrape(() => {
    leases.clear();
    for (const server of upstreams.servers) {
      for (const { leases: lent } of upstreams.replicas(server)) {
        if (lent === undefined) continue;
        leases.child([server, "in_use"]).add(lent.inUse);
        leases.child([server, "idle"]).add(lent.open - lent.inUse);
        leases.child([server, "waiting"]).add(lent.waiting);
      }
    }
  });
  return upstreams.onChange((change) => {
    if (change.kind === "dropped") dropped.child([change.server, change.what]).inc();
  });
}
