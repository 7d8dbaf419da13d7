/**
 * Lists of servers that keep their callers apart, on their own endpoints: each caller's is asked for on its own connection, because it
 * may differ from everybody else's, and is kept nowhere. On the aggregate such a server has the list that it gives to nobody in
 * particular.
 */
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { Watched } from "../../base/watched.ts";
import type { ListMember } from "../../protocol/methods.ts";
import type { ReadyReplica, UpstreamSet } from "../../upstream/upstream-set.ts";
import { declaredProfile, scopeOf } from "../calls/call-lease.ts";
import type { Call } from "../calls/call.ts";
import { onCallersConnection } from "../calls/callers-connection.ts";
import { seenRevision } from "../routing/revision-of.ts";
import type { RoutingTable } from "../routing/routing-table.ts";
import { fetchPages, type WholeList } from "../../upstream/list-pages.ts";
import { newestRevision } from "./newest-revision.ts";

export interface ScopedListsOptions {
  readonly table: Watched<RoutingTable>;
  readonly upstreams: UpstreamSet;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

/** The caller's process may have to be started first. */
const connectionWaitMs = 30_000;

export class ScopedLists {
  readonly #options: ScopedListsOptions;

  constructor(options: ScopedListsOptions) {
    this.#options = options;
  }

  /** Undefined where the list is the same for all, or nothing is there to be asked. */
  of(call: Call, member: ListMember): Promise<WholeList> | undefined {
    const { view } = call;
    if (view.kind !== "server") return undefined;
    const replica = this.#replicaFor(call, view.server);
    if (replica === undefined) return undefined;
    const caller = { principal: call.principal, session: call.session, profile: declaredProfile(call) };
    const { clock, wheel } = this.#options;
    return onCallersConnection(replica, caller, connectionWaitMs, (connection) =>
      fetchPages({ connection, server: view.server, member, clock, wheel }),
    );
  }

  #replicaFor(call: Call, server: string): ReadyReplica | undefined {
    const { upstreams, table } = this.#options;
    const route = table.current.servers.get(server);
    const revision = route === undefined ? undefined : seenRevision(call, route);
    const replica = upstreams.pick(server, revision ?? newestRevision(upstreams.replicas(server)));
    const scope = replica?.leases === undefined ? undefined : scopeOf(call, replica.leases.sharing);
    return scope === undefined ? undefined : (upstreams.home(server, scope, revision) ?? replica);
  }
}
