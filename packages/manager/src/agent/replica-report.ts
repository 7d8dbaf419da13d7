/**
 * What is told of one replica: its status, and an event for each change of its health; those of its state follow from what is stored.
 * It is the only one that writes the status, and decides nothing.
 */
import type { Replica, ReplicaHealth, ReplicaStatus } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { EventSink } from "../events/event.ts";

/** What changes; a member that is undefined is taken out. */
export type StatusChange = {
  readonly [K in Exclude<keyof ReplicaStatus, "health">]?: ReplicaStatus[K] | undefined;
} & { readonly health?: Omit<ReplicaHealth, "since"> | undefined };

export interface ReportOptions {
  readonly clock: Clock;
  readonly events: EventSink;
  /** The status changed. */
  readonly report: () => void;
}

export class ReplicaReport {
  readonly #options: ReportOptions;
  readonly #server: string;
  readonly #replica: string;
  #status: ReplicaStatus;

  /** Begins as pending, with what is to be remembered of an earlier life. */
  constructor({ metadata, spec, status }: Replica, options: ReportOptions) {
    this.#options = options;
    this.#server = spec.server;
    this.#replica = metadata.name;
    this.#status = {
      state: "pending",
      node: spec.node,
      revision: spec.revision,
      restarts: status.restarts,
      restartRound: spec.restartRound,
      ...(status.lastFailure === undefined ? {} : { lastFailure: status.lastFailure }),
    };
  }

  get status(): ReplicaStatus {
    return this.#status;
  }

  /** RFC 3339. */
  now(): string {
    return new Date(this.#options.clock.wallMs()).toISOString();
  }

  set(change: StatusChange): void {
    const before = this.#status;
    const { health, ...rest } = change;
    const next = Object.entries({
      ...before,
      ...rest,
      ...("health" in change ? { health: health && this.#dated(health) } : {}),
    }).filter(([, value]) => value !== undefined);
    this.#status = Object.fromEntries(next) as unknown as ReplicaStatus;
    this.#options.report();
    this.#healthChanged(before.health, this.#status.health);
  }

  /** It stays of the time when it came to be what it is. */
  #dated(health: Omit<ReplicaHealth, "since">): ReplicaHealth {
    const before = this.#status.health;
    const isSame = before?.state === health.state && before.reason === health.reason;
    return { ...health, since: isSame ? before.since : this.now() };
  }

  /** That a new run is healthy is no news. */
  #healthChanged(before: ReplicaHealth | undefined, after: ReplicaHealth | undefined): void {
    if (after === undefined || (before?.state === after.state && before.reason === after.reason)) return;
    if (before === undefined && after.state === "healthy") return;
    this.#options.events.publish({
      topic: "replica.health",
      server: this.#server,
      replica: this.#replica,
      message: `${before === undefined ? "" : `${before.state} → `}${after.state}${after.message === undefined ? "" : `: ${after.message}`}`,
      severity: after.state === "healthy" ? "info" : "warning",
      data: {
        ...(before === undefined ? {} : { from: before.state }),
        to: after.state,
        ...(after.reason === undefined ? {} : { reason: after.reason }),
      },
    });
  }
}
