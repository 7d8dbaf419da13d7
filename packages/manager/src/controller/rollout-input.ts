/**
 * What a deployment is decided from, gathered at one moment: what the caches hold, what this instance counted, and what it has room
 * for. Decides nothing. Whoever counts may be broken: then nothing was measured, which is an error of its own.
 */
import type { Deployment } from "@mcp-manager/api";
import type { Gates } from "./gates.ts";
import type { KnownWork } from "./known-work.ts";
import type { Observed } from "./observed.ts";
import type { MeasureSource, PendingWork, RevisionMeasures } from "../telemetry/revision-measures.ts";
import { noMeasures } from "../telemetry/revision-measures.ts";
import type { RolloutInput } from "./rollout/rollout.ts";
import type { Rooms } from "./rooms.ts";

/** What is the same for every server. */
export interface Surroundings {
  readonly gates: Gates;
  readonly measures: MeasureSource;
  readonly work: KnownWork;
  readonly rooms: Rooms;
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
  const pendingOf = (revision: string): PendingWork | undefined => around.work.at(name, revision);
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
    room: deployment.status.phase === "Pending" ? around.rooms.of(own) : { kind: "enough" },
  };
}

function measured({ of }: MeasureSource, server: string, revision: string): RevisionMeasures | undefined {
  try {
    return of(server, revision) ?? noMeasures;
  } catch {
    return undefined;
  }
}
