/** The Replica resource: one running copy of a revision, placed on one instance of the manager. */
import type { LastFailure, Resource } from "./resource.ts";

/** Where a copy belongs. Written by whoever places replicas, never by the agent that runs them. */
export interface ReplicaSpec {
  /** Name of the Server. */
  readonly server: string;
  /** Name of the Revision: `weather-7`. */
  readonly revision: string;
  /** Name of the instance that runs it. */
  readonly node: string;
  /** Raised by one to ask for one restart; `status.restartRound` says which was done. From 0. */
  readonly restartRound: number;
  /** Set to ask that it takes no new calls, finishes those it has, and stops. The record goes afterwards. */
  readonly drain?: boolean;
}

/**
 * - `pending`: placed, not started yet
 * - `starting`: started, not yet initialized (or waiting for its back-off)
 * - `ready`: takes calls
 * - `draining`: takes no new calls
 * - `stopped`: ended because it was asked to
 * - `failed`: ended or never came up; it is started again at `retryAt`
 */
export type ReplicaState = "pending" | "starting" | "ready" | "draining" | "stopped" | "failed";

/** What is in force, beside what was asked for. */
export interface Isolation {
  /** The sandbox level in force. */
  readonly level: string;
  /** What keeps the process tree together and bounded: `cgroup` or `process-group`. */
  readonly boundary?: string;
}

/** What is. Written by the agent of the instance it was placed on. */
export interface ReplicaStatus {
  readonly state: ReplicaState;
  readonly node: string;
  readonly revision: string;
  /** Process id, for replicas that are processes. */
  readonly pid?: number;
  /** Where it is reached, for replicas that are not. Without query and credentials. */
  readonly url?: string;
  /** RFC 3339; the present run. */
  readonly startedAt?: string;
  /** How often it was started again. */
  readonly restarts: number;
  readonly lastFailure?: LastFailure;
  /** RFC 3339; when a failed replica is started again. */
  readonly retryAt?: string;
  readonly isolation?: Isolation;
  /** `"512MiB"`, or `"not enforced"` with the reason where there is no cgroup to hold it. */
  readonly memory?: string;
  readonly era?: "legacy" | "modern";
  /** The `spec.restartRound` that was carried out. */
  readonly restartRound?: number;
}

export type Replica = Resource<"Replica", ReplicaSpec, ReplicaStatus>;

/** The status of a Replica that no agent has taken up yet. */
export function pendingReplicaStatus(spec: ReplicaSpec): ReplicaStatus {
  return { state: "pending", node: spec.node, revision: spec.revision, restarts: 0 };
}
