/** The Replica resource: one running copy of a revision, placed on one instance of the manager. */
import type { Duration } from "./quantity.ts";
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
  /**
   * With `drain`: how long what is in flight may still take. Absent: `deployment.drainTimeout` of its server, or half of it where its revision
   * had that time already.
   */
  readonly drainWithin?: Duration;
}

/**
 * - `pending`: placed, not started yet
 * - `starting`: started, not yet initialized (or waiting for its back-off)
 * - `ready`: takes calls
 * - `draining`: takes no new calls
 * - `stopped`: ended because it was asked to
 * - `failed`: ended or never came up, and is started again at `retryAt`; or does not answer its probes
 * - `idle`: ended because nobody called; the next call starts it
 */
export type ReplicaState = "pending" | "starting" | "ready" | "draining" | "stopped" | "failed" | "idle";

/** What the probes of a running copy say. */
export interface ReplicaHealth {
  /** `needs-authorization`: it answers, but not without a credential that it was not given. */
  readonly state: "healthy" | "unhealthy" | "needs-authorization";
  /** One capitalized word, when it is not healthy: `ProbesFailed`, `StdoutNoise` (then it still takes calls), `NeedsAuthorization`. */
  readonly reason?: string;
  /** In words, when it is not healthy: `3 probes in a row were not answered within 2 s`. */
  readonly message?: string;
  /** RFC 3339; when the state last changed. */
  readonly since: string;
}

/** What one copy has to do at this moment, on the instance that runs it; never stored. */
export interface ReplicaLoad {
  /** Calls in flight on the connection that all share, and on all others. */
  readonly inFlight: number;
  /** Connections for one call, principal or session alone: in use, free, kept ready unused, and calls waiting for one. */
  readonly pool?: { readonly inUse: number; readonly idle: number; readonly spare: number; readonly waiting: number };
  /** Set while it is put aside because it fails more than its peers: RFC 3339, until when. */
  readonly ejectedUntil?: string;
  /** Set while it is left alone because its server asked for it: RFC 3339, until when. */
  readonly heldOffUntil?: string;
}

/** What is in force, beside what was asked for. */
export interface Isolation {
  /** The sandbox level in force: `trusted`, `default` or `strict`; `remote` for what runs elsewhere. */
  readonly level: string;
  /** What keeps the process tree together, so that its end is complete: `cgroup`, `pid-namespace` or `process-group`. */
  readonly boundary?: string;
  /**
   * Who holds the tree to its bounds. `cgroup2`: the kernel, for the tree as a whole. `rlimit`: the kernel for some things of each
   * process, and the manager, which looks at memory and processes of the tree again and again. `none`: nobody.
   */
  readonly limits?: "cgroup2" | "rlimit" | "none";
  /** `host`: the machine's own. `none`: it reaches nobody. */
  readonly network?: "host" | "none";
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
  /** Set while it fails again and again: five times or more within ten minutes. It is still tried, at the longest pause. */
  readonly crashLoop?: boolean;
  readonly health?: ReplicaHealth;
  /** `sha256:` and the hash of all that it offers, once it was asked: replicas of one revision should say the same. */
  readonly catalogue?: string;
  readonly load?: ReplicaLoad;
}

export type Replica = Resource<"Replica", ReplicaSpec, ReplicaStatus>;

/** The status of a Replica that no agent has taken up yet. */
export function pendingReplicaStatus(spec: ReplicaSpec): ReplicaStatus {
  return { state: "pending", node: spec.node, revision: spec.revision, restarts: 0 };
}
