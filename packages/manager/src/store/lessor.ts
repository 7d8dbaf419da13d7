/**
 * The store's side of leases for a store that lives in this process: monotonic deadlines in memory, a full TTL again for
 * leases found at a start. It decides when a lease ends; deleting the keys is the caller's.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { LeaseRow } from "./mvcc.ts";
import type { LeaseId } from "./store.ts";
import { LeaseGoneError } from "./store.ts";

/** What a lessor is made with. */
export interface LessorOptions {
  readonly clock: Clock;
  /** Deletes an ended lease and its keys. A rejection (no space left) is tried again every second. */
  readonly expire: (id: LeaseId) => Promise<void>;
}

interface Term {
  readonly ttlMs: number;
  timer: Timer;
}

const retryMs = 1000;

/** Deadlines of every lease of one store. */
export class Lessor {
  readonly #options: LessorOptions;
  readonly #terms = new Map<LeaseId, Term>();
  readonly #retries = new Set<Timer>();
  #closed = false;

  constructor(options: LessorOptions) {
    this.#options = options;
  }

  /** Begins a lease's term. */
  add(lease: LeaseRow): void {
    if (this.#closed) return;
    this.#terms.set(lease.id, { ttlMs: lease.ttlMs, timer: this.#arm(lease.id, lease.ttlMs) });
  }

  /** Begins the term anew; LeaseGoneError when it is over. */
  keepAlive(id: LeaseId): void {
    const term = this.#terms.get(id);
    if (term === undefined) throw new LeaseGoneError(`lease ${id} has ended`);
    term.timer.cancel();
    term.timer = this.#arm(id, term.ttlMs);
  }

  /** Forgets a lease that was revoked. */
  remove(id: LeaseId): void {
    this.#terms.get(id)?.timer.cancel();
    this.#terms.delete(id);
  }

  /** Stops every timer; leases stay as they are. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#terms.values()) timer.cancel();
    for (const timer of this.#retries) timer.cancel();
    this.#terms.clear();
    this.#retries.clear();
  }

  #arm(id: LeaseId, delayMs: number): Timer {
    return this.#options.clock.after(delayMs, () => {
      this.#terms.delete(id);
      void this.#expire(id);
    });
  }

  async #expire(id: LeaseId): Promise<void> {
    try {
      await this.#options.expire(id);
    } catch {
      if (this.#closed) return;
      const timer = this.#options.clock.after(retryMs, () => {
        this.#retries.delete(timer);
        void this.#expire(id);
      });
      this.#retries.add(timer);
    }
  }
}
