/** A server with its revisions and replicas as plain values, and an agent that can be told what happens: for tests of plans. */
import type {
  Deployment,
  DeploymentStatus,
  Replica,
  ReplicaState,
  Revision,
  Server,
  ServerSpec,
  Strategy,
} from "@mcp-manager/api";
import {
  deploymentName,
  pendingDeploymentStatus,
  pendingReplicaStatus,
  pendingServerStatus,
  runnablePart,
  serverDefaults,
} from "@mcp-manager/api";
import type { Step } from "../plan.ts";
import { plan } from "../plan.ts";

const createdAt = "2027-01-01T00:00:00.000Z";

function metadata(name: string, at = createdAt): Server["metadata"] {
  return { name, uid: name, generation: 1, revision: "1", labels: {}, createdAt: at };
}

export function server(more: Partial<ServerSpec> = {}): Server {
  const source = { kind: "process" as const, command: "weather", args: [], env: {} };
  return {
    kind: "Server",
    metadata: metadata("weather"),
    spec: { ...serverDefaults, source, ...more },
    status: pendingServerStatus,
  };
}

export function revision(number: number): Revision {
  const spec = { ...runnablePart(server().spec), server: "weather", number };
  return { kind: "Revision", metadata: metadata(`weather-${number}`), spec, status: { digest: "" } };
}

export function replica(name: string, revisionNumber: number, state: ReplicaState, drain = false): Replica {
  const spec = {
    server: "weather",
    revision: `weather-${revisionNumber}`,
    node: "n1",
    restartRound: 0,
    ...(drain ? { drain } : {}),
  };
  return { kind: "Replica", metadata: metadata(name), spec, status: { ...pendingReplicaStatus(spec), state } };
}

/** To a revision of the server, which asks for it by its own strategy unless another is given. */
export function deployment(
  { from, to, strategy = server().spec.strategy }: { from: string | null; to: string; strategy?: Strategy },
  { number = 1, ...status }: Partial<DeploymentStatus> & { readonly number?: number } = {},
): Deployment {
  const made = metadata(deploymentName(to, number));
  return {
    kind: "Deployment",
    metadata: { ...made, revision: `${number}` },
    spec: { server: "weather", from, to, strategy, generation: 1 },
    status: { ...pendingDeploymentStatus, ...status },
  };
}

/** Performs plans as the controller would, and lets replicas change as agents would report. */
export class World {
  server: Server;
  revisions: Revision[] = [revision(1)];
  replicas: Replica[] = [];
  isGone = false;
  #made = 0;

  constructor(spec: Partial<ServerSpec> = {}) {
    this.server = server(spec);
  }

  get serving(): readonly Replica[] {
    return this.replicas.filter(({ status }) => status.state === "ready");
  }

  reconcile(): readonly Step[] {
    if (this.isGone) return [];
    const steps = plan({
      server: this.server,
      revisions: this.revisions,
      replicas: this.replicas,
      deployments: [],
      desired: this.server.spec.replicas,
      node: "n1",
    });
    for (const step of steps) this.#perform(step);
    return steps;
  }

  /** What an agent reports of the replica at this place; one that drains can only go on draining or stop. */
  report(index: number, state: ReplicaState): void {
    this.replicas = this.replicas.map((one, i) => {
      if (i !== index % this.replicas.length) return one;
      const told = one.spec.drain === true ? "stopped" : state;
      return { ...one, status: { ...one.status, state: told } };
    });
  }

  /** The runnable part of the spec changes. */
  change(): void {
    this.revisions = [...this.revisions, revision(this.revisions.length + 1)];
  }

  scale(replicas: number): void {
    this.server = { ...this.server, spec: { ...this.server.spec, replicas } };
  }

  delete(): void {
    this.server = { ...this.server, metadata: { ...this.server.metadata, deletedAt: createdAt } };
  }

  #perform(step: Step): void {
    switch (step.kind) {
      case "create-replica": {
        const number = Number(step.revision.split("-").at(-1));
        this.#made += 1;
        const at = new Date(Date.parse(createdAt) + this.#made).toISOString();
        const made = replica(`r${this.#made}`, number, "pending");
        this.replicas = [...this.replicas, { ...made, metadata: { ...made.metadata, createdAt: at } }];
        return;
      }
      case "drain-replica":
        this.replicas = this.replicas.map((r) =>
          r.metadata.name === step.name ? { ...r, spec: { ...r.spec, drain: true } } : r,
        );
        return;
      case "forget-replica":
        this.replicas = this.replicas.filter(({ metadata: { name } }) => name !== step.name);
        return;
      case "forget-revision":
        this.revisions = this.revisions.filter(({ metadata: { name } }) => name !== step.name);
        return;
      case "forget-catalogue":
      case "forget-deployment":
        return;
      case "forget-server":
        this.isGone = true;
    }
  }
}
