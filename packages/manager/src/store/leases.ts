/**
 * The holder's side of a lease: keeps it alive, and knows, by its own monotonic clock, when it must be considered lost. The
 * store's side differs by implementation and is reached through a `LeaseLink`.
 *
 * The deadline counts from the *sending* of the last acknowledged keep-alive and ends a margin before the TTL, so that the
 * holder has stopped before the store can give the keys away (reliability: leases are time measured by two clocks).
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Lease, LeaseId, LeaseLost } from "./store.ts";
import { LeaseGoneError } from "./store.ts";

/** How a held lease reaches its store. */
export interface LeaseLink {
  /** Extends the lease by its TTL. LeaseGoneError when it has ended; any other error means: not known. */
  keepAlive(id: LeaseId): Promise<void>;
  /** Ends the lease and deletes its keys; ending one that is gone is no error. */
  revoke(id: LeaseId): Promise<void>;
}

/** What a held lease is made with. */
export interface HeldLeaseOptions {
  readonly id: LeaseId;
  readonly ttlMs: number;
  /** When the request that granted it was sent, by `clock`. */
  readonly grantSentAtMs: number;
  readonly link: LeaseLink;
  readonly clock: Clock;
}

const marginMsMax = 5000;

/** A lease that keeps itself alive three times per TTL until it is revoked, lost, or told that the store closed. */
export class HeldLease implements Lease {
  readonly id: LeaseId;
  readonly ttlMs: number;
  readonly lost: Promise<LeaseLost>;
  readonly #link: LeaseLink;
  readonly #clock: Clock;
  readonly #resolveLost: (lost: LeaseLost) => void;
  readonly #marginMs: number;
  #deadlineMs: number;
  #ended = false;
  #expiry: Timer | undefined;
  #beat: Timer | undefined;

  constructor(options: HeldLeaseOptions) {
    this.id = options.id;
    this.ttlMs = options.ttlMs;
    this.#link = options.link;
    this.#clock = options.clock;
    this.#marginMs = Math.min(marginMsMax, options.ttlMs / 3);
    this.#deadlineMs = options.grantSentAtMs + options.ttlMs - this.#marginMs;
    const { promise, resolve } = Promise.withResolvers<LeaseLost>();
    this.lost = promise;
    this.#resolveLost = resolve;
    this.#armExpiry();
    this.#armBeat();
  }

  remainingMs(): number {
    return this.#ended ? 0 : Math.max(0, this.#deadlineMs - this.#clock.nowMs());
  }

  async revoke(): Promise<void> {
    this.end("revoked");
    await this.#link.revoke(this.id);
  }

  /** Stops keeping the lease alive and reports why; only the first call counts. */
  end(reason: LeaseLost["reason"]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#expiry?.cancel();
    this.#beat?.cancel();
    this.#resolveLost({ reason });
  }

  #armExpiry(): void {
    this.#expiry?.cancel();
    this.#expiry = this.#clock.after(this.#deadlineMs - this.#clock.nowMs(), () => this.end("expired-locally"));
  }

  #armBeat(): void {
    this.#beat = this.#clock.after(this.ttlMs / 3, () => {
      void this.#keepAlive();
      this.#armBeat();
    });
  }

  async #keepAlive(): Promise<void> {
    const sentAtMs = this.#clock.nowMs();
    try {
      await this.#link.keepAlive(this.id);
    } catch (error) {
      // Anything else leaves the deadline where it is: the next beat may get through.
      if (error instanceof LeaseGoneError) this.end("expired-remotely");
      return;
    }
    if (this.#ended || this.remainingMs() === 0) return;
    this.#deadlineMs = Math.max(this.#deadlineMs, sentAtMs + this.ttlMs - this.#marginMs);
    this.#armExpiry();
  }
}
