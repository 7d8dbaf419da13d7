/**
 * What a deployment is decided from, gathered at one moment: what the caches hold, what this instance counted, and what it has room
 * for. Decides nothing. Whoever counts may be broken: then nothing was measured, which is an error of its own.
 */
import type { Deployment, Replica, Revision } from "@mcp-manager/api";
import { sizeBytes } from "@mcp-manager/api";
import type { Gates } from "./gate.ts";
import type { MeasureSource } from "./measure-source.ts";
import type { Observed } from "./observed.ts";
import type { Capacity, Need } from "./rollout/capacity.ts";
import { replicasBeyond, roomFor } from "./rollout/capacity.ts";
import type { PendingWork, RevisionMeasures } from "./rollout/measures.ts";
import { noMeasures } from "./rollout/measures.ts";
import type { RolloutInput, Room } from "./rollout/rollout.ts";

/** What is the same for every server. */
export interface Surroundings {
  readonly gates: Gates;
  readonly measures: MeasureSource;
  /** What this instance allows. */
  readonly capacity: Capacity;
  /** All replicas and revisions there are, of every server. */
  readonly replicas: () => readonly Replica[];
  readonly revision: (name: string) => Revision | undefined;
}

/** What is of this look; see `RolloutInput`. */
export interface Moment {
  readonly desired: number;
  readonly passedMs: number;
  readonly now: string;
}

/** For a server that has a deployment. */
export function rolloutInput(
  own: Observed & { readonly deployment: Deployment },
  around: Surroundings,
  moment: Moment,
): RolloutInput {
  const { server, deployment, replicas, catalogues } = own;
  const { name } = server.metadata;
  const { from, to } = deployment.spec;
  const { route } = server.status;
  const leaving = from !== null && route?.stable === to ? from : to;
  const others = (route?.draining ?? []).filter((revision) => revision !== leaving);
  const pendingOf = (revision: string): PendingWork => around.measures.pending(name, revision);
  return {
    server,
    deployment,
    replicas,
    ...moment,
    gate: around.gates.of(deployment, replicas, catalogues),
    measured: measured(around.measures, name, to),
    baseline: from === null ? noMeasures : measured(around.measures, name, from),
    pending: pendingOf(leaving),
    leftovers: new Map(others.map((revision) => [revision, pendingOf(revision)])),
    // Of interest before it begins only, and to count what is taken is to look at every replica.
    room: deployment.status.phase === "Pending" ? roomOf(own, around, moment.desired) : { kind: "enough" },
  };
}

function measured({ of }: MeasureSource, server: string, revision: string): RevisionMeasures | undefined {
  try {
    return of(server, revision) ?? noMeasures;
  } catch {
    return undefined;
  }
}

function roomOf(own: Observed & { readonly deployment: Deployment }, around: Surroundings, desired: number): Room {
  if (Object.keys(around.capacity).length === 0) return { kind: "enough" };
  const { spec } = own.deployment;
  const there = own.replicas.filter((one) => one.spec.revision === spec.to && one.spec.drain !== true).length;
  const widest = spec.from === null ? desired : replicasBeyond(spec.strategy, desired, spec.rollback === true);
  const need = { replicas: Math.max(0, widest - there), each: needOf(around.revision(spec.to)) };
  return roomFor(spec.server, need, around.capacity, takenBy(around));
}

/** What a copy of a revision may take; of one that runs elsewhere it is nothing of ours. */
function needOf(revision: Revision | undefined): Need["each"] {
  if (revision?.spec.source.kind !== "process") return {};
  const { memory, processes } = revision.spec.limits;
  return { processes, memoryBytes: sizeBytes(memory) };
}

function takenBy({ replicas, revision }: Surroundings): Required<Capacity> {
  const all = replicas();
  const each = all.map(({ spec }) => needOf(revision(spec.revision)));
  return {
    replicas: all.length,
    processes: each.reduce((sum, { processes = 0 }) => sum + processes, 0),
    memoryBytes: each.reduce((sum, { memoryBytes = 0 }) => sum + memoryBytes, 0),
  };
}
