/** What is counted of what protects servers: breakers, calls that wait, were refused or sent once more, replicas put aside. */
import type { BreakerState, ServerLoad } from "@mcp-manager/api";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Guards } from "./guards.ts";

const stateNumbers: Readonly<Record<BreakerState, number>> = { closed: 0, "half-open": 1, open: 2 };
const reasons: readonly (keyof ServerLoad["refused"])[] = ["breaker", "queue", "rate"];

/** Shows them at each scrape. */
export function collectGuardMetrics(metrics: Metrics, guards: Guards): void {
  const help = "Where a server's breaker is: 0 closed, 1 half-open, 2 open.";
  const states = metrics.gauge("mcp_manager_breaker_state", help, ["server"]);
  const waiting = metrics.gauge("mcp_manager_calls_waiting", "Calls that wait for a place.", ["server"]);
  const ejected = metrics.gauge("mcp_manager_replicas_ejected", "Replicas put aside for their failures.", ["server"]);
  const refused = metrics.counter("mcp_manager_calls_refused_total", "Calls refused before a replica was chosen.", [
    "server",
    "reason",
  ]);
  const retries = metrics.counter("mcp_manager_retries_total", "Calls sent once more, to another replica.", ["server"]);
  metrics.onScrape(() => {
    for (const family of [states, waiting, ejected]) family.clear();
    for (const server of guards.servers) {
      const guard = guards.of(server);
      if (guard === undefined) continue;
      const { load } = guard;
      states.child([server]).set(stateNumbers[guard.breaker]);
      waiting.child([server]).set(load.waiting);
      ejected.child([server]).set(load.ejected.length);
      for (const reason of reasons) raise(refused.child([server, reason]), load.refused[reason]);
      raise(retries.child([server]), load.retries);
    }
  });
}

/** A guard counts since it was made; one made anew begins again, and then nothing is counted twice. */
function raise(counter: { readonly value: number; inc(by: number): void }, to: number): void {
  if (to > counter.value) counter.inc(to - counter.value);
}
