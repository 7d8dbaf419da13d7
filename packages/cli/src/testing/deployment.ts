/** A Deployment as the manager answers it. */
import type { Deployment, DeploymentSpec, DeploymentStatus, Strategy } from "@mcp-manager/api";

/** A canary in two steps. */
const canary: Strategy = {
  kind: "canary",
  steps: [
    { weight: 10, pause: "1m", minRequests: 100 },
    { weight: 50, pause: "5m", minRequests: 0 },
  ],
};

/** From a-1 to a-2, at the first step of a canary, with what is given otherwise. */
export function deploymentOf(status: Partial<DeploymentStatus> = {}, spec: Partial<DeploymentSpec> = {}): Deployment {
  return {
    kind: "Deployment",
    metadata: { name: "a-2-1", uid: "u", generation: 1, revision: "9", labels: {}, createdAt: "2026-01-01T00:00:00Z" },
    spec: { server: "a", from: "a-1", to: "a-2", strategy: canary, generation: 2, ...spec },
    status: {
      phase: "Progressing",
      traffic: { target: 10 },
      replicas: { from: { desired: 2, ready: 2 }, to: { desired: 1, ready: 1 } },
      since: "2026-01-01T00:00:00Z",
      ...status,
    },
  };
}
