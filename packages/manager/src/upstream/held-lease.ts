/**
 * A lease as its holder has it: an object of its own for each time that a connection is lent, so that giving back twice, or late,
 * harms no later holder.
 */
import type { Connection } from "../transport/connection.ts";
import type { Lease, WaitingForClient } from "./leases.ts";

/** What is lent: outlasts its leases. */
export interface Lendable {
  readonly connection: Connection;
  /** As `Lease.logLevel`: it outlasts the leases, because it does so in the server. */
  logLevel: string | undefined;
  /** Of the call that has it alone; undefined while that does not wait for its client. */
  waitingForClient: WaitingForClient | undefined;
}

/** Who lends connections takes them back. */
export interface Lender<Lent extends Lendable> {
  giveBack(lent: Lent, clean: boolean, isAlone: boolean): void;
}

export class HeldLease<Lent extends Lendable> implements Lease {
  readonly connection: Connection;
  readonly #lender: Lender<Lent>;
  /** Whether nobody else has the connection meanwhile. */
  readonly #isAlone: boolean;
  #lent: Lent | undefined;

  constructor(lent: Lent, lender: Lender<Lent>, isAlone: boolean) {
    this.connection = lent.connection;
    this.#lender = lender;
    this.#isAlone = isAlone;
    this.#lent = lent;
  }

  get logLevel(): string | undefined {
    return this.#lent?.logLevel;
  }

  set logLevel(level: string | undefined) {
    if (this.#lent !== undefined) this.#lent.logLevel = level;
  }

  get waitingForClient(): WaitingForClient | undefined {
    return this.#isAlone ? this.#lent?.waitingForClient : undefined;
  }

  set waitingForClient(waiting: WaitingForClient | undefined) {
    if (this.#lent !== undefined && this.#isAlone) this.#lent.waitingForClient = waiting;
  }

  release(clean: boolean): void {
    const lent = this.#lent;
    if (lent === undefined) return;
    this.#lent = undefined;
    if (this.#isAlone) lent.waitingForClient = undefined;
    this.#lender.giveBack(lent, clean, this.#isAlone);
  }
}
