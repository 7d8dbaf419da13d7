/**
 * Whether a deployment has room on this instance before it begins: what it needs at its widest, beside what runs and what others that
 * have begun are still to take. Of room that was given only to whom is remembered, because the caches hear of it later: it is not given
 * twice. Starts and ends nothing.
 */
import type { Deployment, Replica, Revision, Server } from "@mcp-manager/api";
import { isOver, sizeBytes } from "@mcp-manager/api";
import type { Informer } from "../registry/informer.ts";
import type { Observed } from "./observed.ts";
import { type Capacity, type Need, replicasBeyond, roomFor } from "./rollout/capacity.ts";
import type { Room } from "./rollout/rollout.ts";

export interface RoomsOptions {
  /** What this instance allows. */
  readonly capacity: Capacity;
  readonly servers: Pick<Informer<Server>, "list">;
  readonly revisions: Pick<Informer<Revision>, "get">;
  readonly deployments: Pick<Informer<Deployment>, "get">;
  readonly replicas: Pick<Informer<Replica>, "list" | "ofServer">;
  /** How many replicas a server should have. */
  readonly desiredOf: (server: Server) => number;
}

/** So many replicas that each need as much. */
interface Taking {
  readonly replicas: number;
  readonly each: Need["each"];
}

export class Rooms {
  readonly #options: RoomsOptions;
  /** By server: the deployment that was given room last. */
  readonly #given = new Map<string, string>();

  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  /** Asked before a deployment begins, and not after. */
  of({
    server,
    replicas,
    deployment,
  }: Pick<Observed, "server" | "replicas"> & { readonly deployment: Deployment }): Room {
    const { capacity, desiredOf } = this.#options;
    if (Object.keys(capacity).length === 0) return { kind: "enough" };
    const { name } = server.metadata;
    const { to } = deployment.spec;
    const there = replicas.filter(({ spec }) => spec.revision === to && spec.drain !== true).length;
    const beyond = deployment.spec.from === null ? desiredOf(server) : surgeOf(deployment, desiredOf(server));
    const need = { replicas: Math.max(0, beyond - there), each: this.#eachOf(to) };
    const room = roomFor(name, need, capacity, this.#takenBeside(name, leavingOf(server, deployment, replicas)));
    if (room.kind === "enough") this.#given.set(name, deployment.metadata.name);
    else this.#given.delete(name);
    return room;
  }

  forget(server: string): void {
    this.#given.delete(server);
  }

  /** All that runs and stays, and what deployments of other servers are still to take. */
  #takenBeside(asking: string, leaving: ReadonlySet<Replica>): Required<Capacity> {
    const { servers, replicas } = this.#options;
    const running = replicas
      .list()
      .filter((replica) => !leaving.has(replica))
      .map(({ spec }): Taking => ({ replicas: 1, each: this.#eachOf(spec.revision) }));
    const promised = servers.list().flatMap((one) => (one.metadata.name === asking ? [] : this.#promisedTo(one)));
    const all = [...running, ...promised];
    return {
      replicas: all.reduce((sum, one) => sum + one.replicas, 0),
      processes: all.reduce((sum, one) => sum + one.replicas * (one.each.processes ?? 0), 0),
      memoryBytes: all.reduce((sum, one) => sum + one.replicas * (one.each.memoryBytes ?? 0), 0),
    };
  }

  /** What a server's deployment has room for and did not start yet; what was ended for it, as with recreate, comes again. */
  #promisedTo(server: Server): readonly Taking[] {
    const { deployments, replicas, desiredOf } = this.#options;
    const { name } = server.metadata;
    const deployment = deployments.get(server.status.deployment ?? "");
    if (deployment === undefined || isOver(deployment.status)) return [];
    const isGiven = this.#given.get(name) === deployment.metadata.name;
    if (deployment.status.phase === "Pending" && !isGiven) return [];
    const desired = desiredOf(server);
    const widest = desired + (deployment.spec.from === null ? 0 : surgeOf(deployment, desired));
    const present = replicas.ofServer(name).filter(({ spec }) => spec.drain !== true).length;
    return [{ replicas: Math.max(0, widest - present), each: this.#eachOf(deployment.spec.to) }];
  }

  /** What a copy of a revision may take; of one that runs elsewhere it is nothing of ours. */
  #eachOf(revision: string): Need["each"] {
    const { spec } = this.#options.revisions.get(revision) ?? {};
    if (spec?.source.kind !== "process") return {};
    return { processes: spec.limits.processes, memoryBytes: sizeBytes(spec.limits.memory) };
  }
}

/** What ends because this deployment is the newest, or ends already: it gives its room to the new copies. */
function leavingOf(server: Server, { spec }: Deployment, replicas: readonly Replica[]): ReadonlySet<Replica> {
  const staying = new Set([spec.from, spec.to, server.status.route?.stable]);
  return new Set(replicas.filter((replica) => replica.spec.drain === true || !staying.has(replica.spec.revision)));
}

function surgeOf({ spec: { strategy, rollback } }: Deployment, desired: number): number {
  return replicasBeyond(strategy, desired, rollback === true);
}
