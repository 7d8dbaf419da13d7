/**
 * What a revision still has to finish, counted when somebody asks: calls in flight, sessions that are on it, tasks under way, calls whose clients
 * were asked for something, streams that listen. A revision that drains is waited for until all of it is none. Keeps no counts of its own.
 */
import type { PendingWork } from "../../telemetry/revision-measures.ts";
import type { UpstreamSet } from "../../upstream/upstream-set.ts";
import { sessionsOn } from "../sessions/pins.ts";
import type { Sessions } from "../sessions/session.ts";
import type { Subscriptions } from "../subscriptions/subscriptions.ts";
import type { OpenWork } from "./open-work.ts";
import type { GuardsOf } from "./passage.ts";

export interface PendingCountsOptions {
  readonly upstreams: UpstreamSet;
  readonly guards: GuardsOf;
  readonly sessions: Pick<Sessions, "all">;
  readonly tasks: Pick<OpenWork, "at">;
  readonly asked: Pick<OpenWork, "at">;
  readonly subscriptions: Pick<Subscriptions, "listensAt" | "ownListensAt">;
}

/** Counts it; asked about once a second or so while a revision drains. */
export class PendingCounts {
  readonly #options: PendingCountsOptions;

  constructor(options: PendingCountsOptions) {
    this.#options = options;
  }

  of(server: string, revision: string): PendingWork {
    const { sessions, tasks, asked, subscriptions } = this.#options;
    return {
      inFlight: this.#inFlight(server, revision),
      sessions: sessionsOn(sessions, server, revision),
      tasks: tasks.at(server, revision),
      asked: asked.at(server, revision),
      listens: subscriptions.listensAt(server, revision),
    };
  }

  /**
   * Calls on the connection of all, those that have or wait for one of their own, and those that wait for a place; what the manager itself
   * listens to is none.
   */
  #inFlight(server: string, revision: string): number {
    const { upstreams, guards, subscriptions } = this.#options;
    let count = guards.of(server)?.waitingFor(revision) ?? 0;
    for (const replica of upstreams.replicas(server)) {
      if (replica.revision !== revision) continue;
      count +=
        replica.connection.inFlight -
        subscriptions.ownListensAt(replica) +
        (replica.leases?.calls ?? 0) +
        (replica.leases?.waiting ?? 0);
    }
    return count;
  }
}
