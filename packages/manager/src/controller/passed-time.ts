/**
 * How much time passed since the status of a deployment was written last, by the monotonic clock. All that the controller remembers
 * outside the store: a moment for each server. After a restart, and after a word of somebody else, it begins at the first look, so
 * that time which nobody counted never counts.
 */
import type { Deployment, DeploymentStatus } from "@mcp-manager/api";
import { sameJson } from "../registry/transaction.ts";

interface Anchor {
  /** The deployment's. */
  readonly uid: string;
  /** The status as it was written, or seen first. */
  readonly status: DeploymentStatus;
  readonly atMs: number;
}

export class PassedTime {
  readonly #anchors = new Map<string, Anchor>();

  /** Milliseconds until `nowMs`; 0 for a status that this loop did not write. */
  since({ metadata: { uid }, spec, status }: Deployment, nowMs: number): number {
    const anchor = this.#anchors.get(spec.server);
    if (anchor?.uid === uid && (anchor.status === status || sameJson(anchor.status, status)))
      return Math.max(0, nowMs - anchor.atMs);
    this.#anchors.set(spec.server, { uid, status, atMs: nowMs });
    return 0;
  }

  /** This status was written, and holds all time until `nowMs`. */
  written({ metadata: { uid }, spec }: Deployment, status: DeploymentStatus, nowMs: number): void {
    this.#anchors.set(spec.server, { uid, status, atMs: nowMs });
  }

  forget(server: string): void {
    this.#anchors.delete(server);
  }
}
