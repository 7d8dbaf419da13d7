/**
 * How far the newest deployment of each server is, for who watches from outside: read at each scrape. Its requests are among all the
 * others (`mcp_manager_requests_total`), which say their revision.
 */
import type { Deployment, Server } from "@mcp-manager/api";
import type { Informer } from "../registry/informer.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** For as long as `metrics` are scraped. A server that was never deployed is in none of them. */
export function collectDeploymentMetrics(
  metrics: Metrics,
  servers: Pick<Informer<Server>, "list">,
  deployments: Pick<Informer<Deployment>, "get">,
): void {
  const phaseHelp = "1 for the phase that a server's newest deployment is in.";
  const phases = metrics.gauge("mcp_manager_deployment_phase", phaseHelp, ["server", "phase"]);
  const weightHelp = "Percent of new work that is to go to the new revision.";
  const weights = metrics.gauge("mcp_manager_deployment_weight", weightHelp, ["server"]);
  const stepHelp = "The step of its strategy that it is at, from 1; 0 without one.";
  const steps = metrics.gauge("mcp_manager_deployment_step", stepHelp, ["server"]);
  metrics.onScrape(() => {
    for (const family of [phases, weights, steps]) family.clear();
    for (const { metadata, status } of servers.list()) {
      const newest = status.deployment === undefined ? undefined : deployments.get(status.deployment);
      if (newest === undefined) continue;
      const { phase, traffic, step } = newest.status;
      phases.child([metadata.name, phase]).set(1);
      weights.child([metadata.name]).set(traffic.target);
      steps.child([metadata.name]).set(step?.index ?? 0);
    }
  });
}
