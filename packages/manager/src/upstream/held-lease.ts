/**
 * A lease as its holder has it: an object of its own for each time that a connection is lent, so that giving back twice, or late,
 * harms no later holder.
 */
import type { Connection } from "../transport/connection.ts";
import type { Lease } from "./leases.ts";
import type { PooledConnection } from "./profile-shelf.ts";

/** Who lends connections takes them back. */
export interface Lender {
  giveBack(pooled: PooledConnection, clean: boolean): void;
}

export class HeldLease implements Lease {
  readonly connection: Connection;
  readonly #lender: Lender;
  #pooled: PooledConnection | undefined;

  constructor(pooled: PooledConnection, lender: Lender) {
    this.connection = pooled.opened.connection;
    this.#lender = lender;
    this.#pooled = pooled;
  }

  get logLevel(): string | undefined {
    return this.#pooled?.logLevel;
  }

  set logLevel(level: string | undefined) {
    if (this.#pooled !== undefined) this.#pooled.logLevel = level;
  }

  release(clean: boolean): void {
    const pooled = this.#pooled;
    if (pooled === undefined) return;
    this.#pooled = undefined;
    this.#lender.giveBack(pooled, clean);
  }
}
