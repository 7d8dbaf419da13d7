/** What the loop wrote for a server last, so that nothing is decided by a cache that has not heard of it. */

/** The kinds that are both written and read again. */
type Written = "servers" | "deployments" | "replicas";

/** For each kind a store revision: of the last write, or of a cache. */
type Revisions = Readonly<Record<Written, bigint>>;

export class OwnWrites {
  readonly #last = new Map<string, Partial<Revisions>>();

  note(server: string, kind: Written, revision: bigint): void {
    this.#last.set(server, { ...this.#last.get(server), [kind]: revision });
  }

  /** Whether caches that hold these revisions know of all of it. */
  areSeen(server: string, caches: Revisions): boolean {
    const { servers = 0n, deployments = 0n, replicas = 0n } = this.#last.get(server) ?? {};
    return caches.servers >= servers && caches.deployments >= deployments && caches.replicas >= replicas;
  }

  forget(server: string): void {
    this.#last.delete(server);
  }
}
