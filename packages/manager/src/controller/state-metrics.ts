/** How servers and replicas are, for who watches from outside: read at each scrape, but for restarts, which are counted as they come. */
import type { Replica, Server } from "@mcp-manager/api";
import type { Unsubscribe } from "../base/watched.ts";
import type { Informer } from "../registry/informer.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** Until the answer is called; what was counted by then stays. */
export function collectStateMetrics(
  metrics: Metrics,
  servers: Informer<Server>,
  replicas: Informer<Replica>,
): Unsubscribe {
  const states = metrics.gauge("mcp_manager_server_state", "1 for the state that a server is in.", ["server", "state"]);
  const counts = metrics.gauge("mcp_manager_replicas", "Replicas by server and state.", ["server", "state"]);
  metrics.onScrape(() => {
    states.clear();
    counts.clear();
    for (const { metadata, status } of servers.list()) states.child([metadata.name, status.state]).set(1);
    for (const { spec, status } of replicas.list()) counts.child([spec.server, status.state]).add(1);
  });
  return countRestarts(metrics, replicas);
}

/** A replica says how often it was started again in all its life: what is more than was seen last is counted. */
function countRestarts(metrics: Metrics, replicas: Informer<Replica>): Unsubscribe {
  const help = "Starts of replicas after the first, since this instance started.";
  const restarts = metrics.counter("mcp_manager_replica_restarts_total", help, ["server"]);
  const seen = new Map(replicas.list().map(({ metadata, status }) => [metadata.name, status.restarts]));
  return replicas.onChange((name, replica) => {
    if (replica === undefined) return void seen.delete(name);
    const { spec, status } = replica;
    restarts.child([spec.server]).inc(Math.max(0, status.restarts - (seen.get(name) ?? 0)));
    seen.set(name, status.restarts);
  });
}
