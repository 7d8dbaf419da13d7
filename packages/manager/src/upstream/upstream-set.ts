/**
 * The ready replicas as the data plane sees them: per server the open connections, and which one takes the next call. The agent
 * attaches a replica after its health gate and detaches it before it stops; nothing here starts, probes or restarts anything.
 */
import type { Unsubscribe } from "../base/watched.ts";
import type { Connection, DroppedMessage } from "../transport/connection.ts";
import type { SocketCounts } from "../transport/http-origin.ts";
import { type Balance, choose, only } from "./balancer.ts";
import type { LeaseEvent, Leases } from "./leases.ts";

/** One running copy that may take calls. */
export interface ReadyReplica {
  readonly name: string;
  readonly server: string;
  /** The name of the revision it runs: `weather-7`. */
  readonly revision: string;
  /** Shared by all callers; its server was told that it can ask them nothing. */
  readonly connection: Connection;
  /**
   * Connections of single calls, for callers that can be asked something, or of single callers, where they are kept apart; undefined
   * where no call needs one (modern era).
   */
  readonly leases?: Leases;
  /** The sockets of all its connections, where they are HTTP. */
  readonly sockets?: () => SocketCounts;
}

/** What changed: a replica came or went, its server forgot what it was told, or a server said that something of its changed. */
export type UpstreamChange =
  | { readonly kind: "attached" | "detached"; readonly server: string }
  /** The replica's connection goes on in a new session, as `Connection.onRenewed` says. */
  | { readonly kind: "renewed"; readonly server: string; readonly replica: ReadyReplica }
  /** Of the revision that said it, where that is known. */
  | {
      readonly kind: "notified";
      readonly server: string;
      readonly method: string;
      readonly message: Buffer;
      readonly revision?: string | undefined;
    }
  /** A connection beside that of all was opened or is closed. */
  | { readonly kind: "leased"; readonly server: string; readonly event: LeaseEvent }
  /** A message of a server reached nobody. */
  | { readonly kind: "dropped"; readonly server: string; readonly what: DroppedMessage };

export class UpstreamSet {
  readonly #replicas = new Map<string, readonly ReadyReplica[]>();
  readonly #listeners = new Set<(change: UpstreamChange) => void>();

  /** Servers with ready replicas. */
  get servers(): Iterable<string> {
    return this.#replicas.keys();
  }

  /** Every ready replica. */
  *all(): Iterable<ReadyReplica> {
    for (const replicas of this.#replicas.values()) yield* replicas;
  }

  /** Ready replicas of a server, oldest first; empty when there are none. */
  replicas(server: string): readonly ReadyReplica[] {
    return this.#replicas.get(server) ?? noReplicas;
  }

  /**
   * The replica, of this revision if one is named, that has the least to do, the oldest of equals; undefined when none is ready.
   * `balance` says who is put aside, is left alone or starts slowly; `except` was tried already.
   */
  pick(server: string, revision?: string, balance?: Balance, except?: ReadyReplica): ReadyReplica | undefined {
    const replicas = this.#replicas.get(server);
    if (replicas === undefined) return undefined;
    const [first] = replicas;
    if (first !== undefined && replicas.length === 1) return only(first, revision, balance, except);
    return choose(replicas, revision, balance, except);
  }

  /** Whether each of a server's callers has a connection of its own, so that what is said on the one of all is nobody's. */
  keepsApart(server: string): boolean {
    return this.replicas(server).some(({ leases }) => leases !== undefined && leases.sharing !== "shared");
  }

  /** The replica, of this revision if one is named, that keeps a connection of this scope; undefined when none does. */
  home(server: string, scope: string, revision?: string): ReadyReplica | undefined {
    return this.replicas(server).find(
      (replica) => replica.leases?.holds(scope) === true && only(replica, revision) !== undefined,
    );
  }

  /** Takes a replica into the rotation; a replica of the same name is replaced. */
  attach(replica: ReadyReplica): void {
    const others = this.replicas(replica.server).filter((r) => r.name !== replica.name);
    this.#replicas.set(replica.server, [...others, replica]);
    replica.connection.onRenewed = () => this.#tell({ kind: "renewed", server: replica.server, replica });
    this.#tell({ kind: "attached", server: replica.server });
  }

  /** Takes a replica out of the rotation; calls in flight go on. Unknown names are ignored. */
  detach(server: string, replicaName: string): void {
    const before = this.replicas(server);
    const left = before.filter((r) => r.name !== replicaName);
    if (left.length === before.length) return;
    if (left.length === 0) this.#replicas.delete(server);
    else this.#replicas.set(server, left);
    this.#tell({ kind: "detached", server });
  }

  /** Passes on a notification that belongs to no call (a list changed, a resource was updated). */
  notified(server: string, method: string, message: Buffer, revision?: string): void {
    this.#tell({ kind: "notified", server, method, message, revision });
  }

  /** Tells of a message that reached nobody. */
  dropped(server: string, what: DroppedMessage): void {
    this.#tell({ kind: "dropped", server, what });
  }

  /** Tells of a connection beside that of all. */
  leased(server: string, event: LeaseEvent): void {
    this.#tell({ kind: "leased", server, event });
  }

  onChange(listener: (change: UpstreamChange) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(change: UpstreamChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

const noReplicas: readonly ReadyReplica[] = [];
