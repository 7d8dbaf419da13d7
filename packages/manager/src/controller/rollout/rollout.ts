/**
 * What a deployment is decided from and what is decided, as data. `advance` (advance.ts) goes from the one to the other; the
 * controller reads the input, and writes the decision in one transaction. Source: resources.md, "Deployments, precisely";
 * reliability.md §1.2.
 */
import type { Deployment, DeploymentStatus, Replica, Route, SchemaDiff, Server } from "@mcp-manager/api";
import type { PendingWork, RevisionMeasures } from "../../telemetry/revision-measures.ts";

/** One server and its newest deployment at one moment; the deployment may be over, for what it leaves behind goes in its time. */
export interface RolloutInput {
  readonly server: Server;
  readonly deployment: Deployment;
  /** All of the server, of any revision, those that drain too; in any order. */
  readonly replicas: readonly Replica[];
  /** How many replicas the server should have. */
  readonly desired: number;
  /** By a monotonic clock, since `deployment.status` was written last. */
  readonly passedMs: number;
  /** RFC 3339; for `since` and `finishedAt` alone, nothing is decided by it. */
  readonly now: string;
  readonly gate: Gate;
  /**
   * Of `to`, since its weight last changed. Undefined: whoever measures could not say, which is an error, four in a row of which
   * end a canary; of a revision that nothing was asked of it is `noMeasures`.
   */
  readonly measured: RevisionMeasures | undefined;
  /** The same of `from`. */
  readonly baseline: RevisionMeasures | undefined;
  /**
   * Of the revision that drains: of `from` once the route's stable revision is `to`, else of `to`. Undefined where nobody knows all of it:
   * then it has its whole time.
   */
  readonly pending: PendingWork | undefined;
  /** The same of other revisions in `route.draining`, by name: what earlier deployments left. */
  readonly leftovers?: ReadonlyMap<string, PendingWork | undefined>;
  /** Whether the instance has what the deployment needs (capacity.ts). Looked at before it begins, not after. */
  readonly room: Room;
}

/** What comparing the two revisions' lists has brought. */
export type Gate =
  /** Not both were asked yet; `message` names who is waited for. */
  | { readonly kind: "unknown"; readonly message?: string }
  /** `ttlMs`: the longest that clients were told to keep a list of `from`. */
  | { readonly kind: "known"; readonly diff: SchemaDiff; readonly ttlMs: number }
  /** The new revision's replicas do not offer the same. */
  | { readonly kind: "unstable"; readonly message: string }
  /** There is nothing to compare with. */
  | { readonly kind: "none" };

/** Whether a deployment fits. `message` has the figures and what to do. */
export type Room = { readonly kind: "enough" } | { readonly kind: "lacking"; readonly message: string };

/** What is to be so from now on. */
export interface RolloutDecision {
  readonly status: DeploymentStatus;
  /** Undefined while nothing of the server was ever ready. */
  readonly route: Route | undefined;
  /** How many replicas there should be of each revision; of one that is not in it, none. */
  readonly wanted: ReadonlyMap<string, number>;
  /** When time alone may change the decision. Undefined: it waits for something that is told. */
  readonly lookAgainMs?: number;
}
