/** What is counted of the connections to servers: those that are lent to calls, the sockets below them, and messages that reached nobody. */
import type { Unsubscribe } from "../base/watched.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { SocketCounts } from "../transport/http-origin.ts";
import type { UpstreamSet } from "./upstream-set.ts";

/** Shows them until the answer is called. */
export function collectUpstreamMetrics(metrics: Metrics, upstreams: UpstreamSet): Unsubscribe {
  collectLeases(metrics, upstreams);
  collectSockets(metrics, upstreams);
  const dropped = metrics.counter(
    "mcp_manager_upstream_messages_dropped_total",
    "Messages of servers that reached nobody: late, or of any of several calls.",
    ["server", "what"],
  );
  const opened = metrics.counter(
    "mcp_manager_leases_opened_total",
    "Connections that were opened to be lent to calls.",
    ["server"],
  );
  const closed = metrics.counter("mcp_manager_leases_closed_total", "Such connections that were closed, by why.", [
    "server",
    "reason",
  ]);
  return upstreams.onChange((change) => {
    if (change.kind === "dropped") dropped.child([change.server, change.what]).inc();
    if (change.kind !== "leased") return;
    const { server, event } = change;
    if (event.kind === "opened") opened.child([server]).inc();
    else closed.child([server, event.reason]).inc();
  });
}

function collectLeases(metrics: Metrics, upstreams: UpstreamSet): void {
  const leases = metrics.gauge(
    "mcp_manager_leases",
    "Connections lent to calls, free ones, what is kept ready and was never used, and calls that wait for one.",
    ["server", "state"],
  );
  metrics.onScrape(() => {
    leases.clear();
    for (const { server, leases: lent } of upstreams.all()) {
      if (lent === undefined) continue;
      leases.child([server, "in_use"]).add(lent.inUse);
      leases.child([server, "idle"]).add(lent.idle);
      leases.child([server, "spare"]).add(lent.spare);
      leases.child([server, "waiting"]).add(lent.waiting);
    }
  });
}

/** Sockets are counted where they are; what came since the last scrape is added here, so that a replica's end takes nothing away. */
function collectSockets(metrics: Metrics, upstreams: UpstreamSet): void {
  const sockets = metrics.gauge("mcp_manager_upstream_sockets", "Connections to remote servers, busy and idle.", [
    "server",
    "state",
  ]);
  const uses = metrics.counter(
    "mcp_manager_upstream_socket_uses_total",
    "Connections to remote servers that were opened, requests that found one open, and connections replaced after long use.",
    ["server", "what"],
  );
  /** By where the counts come from: a replica may be taken out and offered again. */
  const told = new WeakMap<() => SocketCounts, SocketCounts>();
  metrics.onScrape(() => {
    sockets.clear();
    for (const replica of upstreams.all()) {
      const { server, sockets: count } = replica;
      if (count === undefined) continue;
      const counts = count();
      sockets.child([server, "busy"]).add(counts.open - counts.idle);
      sockets.child([server, "idle"]).add(counts.idle);
      for (const what of ["opened", "reused", "recycled"] as const)
        uses.child([server, what]).inc(counts[what] - (told.get(count)?.[what] ?? 0));
      told.set(count, counts);
    }
  });
}
