/** What is counted of what protects servers: breakers, calls that wait, were refused or sent once more, replicas put aside or left alone. */
import type { BreakerState, ServerLoad } from "@mcp-manager/api";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Guards } from "./guards.ts";

const stateNumbers: Readonly<Record<BreakerState, number>> = { closed: 0, "half-open": 1, open: 2 };
const reasons: Readonly<Record<keyof ServerLoad["refused"], string>> = {
  breaker: "breaker",
  heldOff: "held_off",
  queue: "queue",
  rate: "rate",
};

/** Shows them at each scrape. */
export function collectGuardMetrics(metrics: Metrics, guards: Guards): void {
  const help = "Where a server's breaker is: 0 closed, 1 half-open, 2 open.";
  const states = metrics.gauge("mcp_manager_breaker_state", help, ["server"]);
  const waiting = metrics.gauge("mcp_manager_calls_waiting", "Calls that wait for a place.", ["server"]);
  const ejected = metrics.gauge("mcp_manager_replicas_ejected", "Replicas put aside for their failures.", ["server"]);
  const heldHelp = "Replicas left alone because their server asked for it.";
  const heldOff = metrics.gauge("mcp_manager_replicas_held_off", heldHelp, ["server"]);
  const refused = metrics.counter("mcp_manager_calls_refused_total", "Calls refused before a replica was chosen.", [
    "server",
    "reason",
  ]);
  const retries = metrics.counter("mcp_manager_retries_total", "Calls sent once more, to another replica.", ["server"]);
  metrics.onScrape(() => {
    for (const family of [states, waiting, ejected, heldOff]) family.clear();
    for (const server of guards.servers) {
      const guard = guards.of(server);
      if (guard === undefined) continue;
      const { load } = guard;
      states.child([server]).set(stateNumbers[guard.breaker]);
      waiting.child([server]).set(load.waiting);
      ejected.child([server]).set(load.ejected.length);
      heldOff.child([server]).set(load.heldOff.length);
      for (const [reason, count] of Object.entries(load.refused))
        raise(refused.child([server, reasons[reason as keyof typeof reasons]]), count);
      raise(retries.child([server]), load.retries);
    }
  });
}

/** A guard counts since it was made; one made anew begins again, and then nothing is counted twice. */
function raise(counter: { readonly value: number; inc(by: number): void }, to: number): void {
  if (to > counter.value) counter.inc(to - counter.value);
}
