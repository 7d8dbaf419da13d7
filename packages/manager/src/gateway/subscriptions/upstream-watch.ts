/**
 * What the manager asks servers to be told: for each ready replica a watch of its era, which asks for changes of its lists and for
 * the URIs that clients want. What they tell arrives as every notification does, through `UpstreamSet.notified`. It knows no
 * clients; who wants what is told to it by `subscriptions.ts`.
 */
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { noReadyReplica } from "../calls/failure.ts";
import { LegacyWatch } from "./upstream-watch-legacy.ts";
import { ModernWatch } from "./upstream-watch-modern.ts";
import type { Refusal, ReplicaWatch, WatchDependencies } from "./upstream-watch-replica.ts";

export interface UpstreamWatchOptions extends WatchDependencies {
  /** What clients want of a server now. */
  readonly urisOf: (server: string) => Iterable<string>;
}

/** The watches on all replicas. */
export class UpstreamWatch implements Disposable {
  readonly #options: UpstreamWatchOptions;
  /** By server, and by the replica as it was attached. */
  readonly #watches = new Map<string, Map<ReadyReplica, ReplicaWatch>>();
  readonly #unsubscribe: () => void;

  constructor(options: UpstreamWatchOptions) {
    this.#options = options;
    this.#unsubscribe = options.upstreams.onChange((change) => {
      if (change.kind === "attached" || change.kind === "detached") this.#follow(change.server);
      if (change.kind === "renewed") this.#watches.get(change.server)?.get(change.replica)?.renewed?.();
    });
  }

  /** A server's URI is wanted by the first client, or no longer by any. */
  changed(server: string, uri: string, isWanted: boolean): void {
    for (const watch of this.#watches.get(server)?.values() ?? []) {
      if (isWanted) watch.want(uri);
      else watch.unwant(uri);
    }
  }

  /** Requests of the manager's own that are open at a replica for as long as it is attached: no call's, though in flight. */
  openListensAt(replica: ReadyReplica): number {
    return this.#watches.get(replica.server)?.get(replica)?.openListens ?? 0;
  }

  /** Resolves when it is known whether a server takes the subscription to a wanted URI; one replica that does is enough. */
  async settled(server: string, uri: string): Promise<Refusal | undefined> {
    const watches = [...(this.#watches.get(server)?.values() ?? [])];
    const none: Refusal = { kind: "failure", error: noReadyReplica({ name: server, trouble: undefined }) };
    const refusals = await Promise.all(watches.map((watch) => watch.settled(uri)));
    return refusals.includes(undefined) ? undefined : (refusals[0] ?? none);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    for (const watches of this.#watches.values()) for (const watch of watches.values()) watch[Symbol.dispose]();
    this.#watches.clear();
  }

  #follow(server: string): void {
    const { upstreams, urisOf } = this.#options;
    const replicas = new Set(upstreams.replicas(server));
    const watches = this.#watches.get(server) ?? new Map<ReadyReplica, ReplicaWatch>();
    for (const [replica, watch] of watches) {
      if (replicas.has(replica)) continue;
      watches.delete(replica);
      watch[Symbol.dispose]();
    }
    for (const replica of replicas) {
      if (watches.has(replica)) continue;
      const uris = urisOf(server);
      const isModern = replica.connection.facts.era === "modern";
      const watch = isModern
        ? new ModernWatch(replica, this.#options, uris)
        : new LegacyWatch(replica, this.#options, uris);
      watches.set(replica, watch);
    }
    if (watches.size === 0) this.#watches.delete(server);
    else this.#watches.set(server, watches);
  }
}
