/**
 * The places of a pool: each is taken from before a connection is opened until it is closed, so that there are never more servers
 * than may be. Owns the openings, those that failed a moment ago, and that what was opened is closed; who uses it is the pool's.
 */
import { ManagerError } from "@mcp-manager/api";
import type { ClientProfile } from "../protocol/client-profile.ts";
import { FailedOpenings, failureHoldsMs } from "./failed-openings.ts";
import { cannotOpen } from "./lease-refusals.ts";
import type { PoolOptions } from "./pool-options.ts";
import type { OpenedConnection } from "./profile-shelf.ts";

/** What becomes of one opening. Exactly one of the first two is called, unless the pool ended meanwhile; then neither is. */
export interface Occupant {
  /** Which failures it shares: while one of a moment ago is remembered, no other of this key should be opened. */
  readonly key: string;
  readonly profile: ClientProfile;
  /** It is open, and closed again when the promise resolves. */
  onOpened(opened: OpenedConnection): Promise<unknown>;
  onFailed(error: ManagerError): void;
  /** Its place is free. */
  onGone(): void;
}

export class PoolPlaces {
  /** Connections that are being opened. */
  opening = 0;
  readonly #options: PoolOptions;
  readonly #signal: AbortSignal;
  readonly #failed = new FailedOpenings();
  readonly #lives = new Set<Promise<void>>();

  /** `signal` ends the pool: what is being opened is given up. */
  constructor(options: PoolOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#fill();
  }

  get taken(): number {
    return this.#lives.size;
  }

  get hasRoom(): boolean {
    return this.#lives.size < this.#options.max();
  }

  /** The same, but for the places that spares are to have. */
  get hasRoomBesideSpares(): boolean {
    return this.#lives.size + (this.#options.spares?.wanted ?? 0) < this.#options.max();
  }

  /** Whether spares lack room; never where there are not two places. */
  get lacksSpares(): boolean {
    const { spares, max } = this.#options;
    return spares !== undefined && max() > 1 && this.#lives.size + spares.wanted > max();
  }

  /** Resolves when all are free. */
  get left(): Promise<unknown> {
    return Promise.all(this.#lives);
  }

  /** Why none is opened now, as far as that was tried a moment ago. */
  failureOf(key: string): ManagerError | undefined {
    return this.#failed.of(key, this.#options.clock.nowMs());
  }

  occupy(occupant: Occupant): void {
    this.opening++;
    const life = this.#live(occupant).then(() => {
      this.#lives.delete(life);
      occupant.onGone();
      this.#fill();
    });
    this.#lives.add(life);
    this.#fill();
  }

  /** A connection from its opening to its end. */
  async #live(occupant: Occupant): Promise<void> {
    const opened = await this.#tryToOpen(occupant.profile);
    this.opening--;
    if (opened instanceof ManagerError) return this.#onFailed(occupant, opened);
    if (!this.#signal.aborted) {
      this.#options.onLease?.({ kind: "opened" });
      await occupant.onOpened(opened);
    }
    // Whatever keeps it from closing in order, it is of no use to anybody.
    await opened.close(0).catch(() => undefined);
  }

  async #tryToOpen({ capabilities }: ClientProfile): Promise<OpenedConnection | ManagerError> {
    try {
      return await this.#options.open(capabilities, this.#signal);
    } catch (error) {
      return ManagerError.from(error);
    }
  }

  #onFailed(occupant: Occupant, cause: ManagerError): void {
    if (this.#signal.aborted) return;
    const { server, clock } = this.#options;
    const error = cannotOpen(server, cause, failureHoldsMs);
    this.#failed.add(occupant.key, error, clock.nowMs());
    occupant.onFailed(error);
  }

  #fill(): void {
    if (!this.#signal.aborted) this.#options.spares?.fill(Math.max(0, this.#options.max() - this.#lives.size));
  }
}
