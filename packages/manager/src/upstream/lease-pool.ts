/**
 * The connections of one replica that are lent for one call at a time, each to one call. Owns how many there are, who waits, when
 * an unused one goes, and the end of all; knows neither processes nor HTTP, and sends nothing.
 *
 *   opening ──▶ idle ⇄ lent
 *                └──┬───┘  closed by itself, not given back clean, unused for long, room for another profile, end of the pool
 *                   ▼
 *                retired ──▶ closed, and its place free
 *
 * Who waits is served in order, except that a connection of no use to the first is not kept from those behind; once the first has
 * waited for `overdueMs`, the next one that is free is kept for it, or closed to make room for it.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import { Drain } from "../transport/drain.ts";
import { FailedOpenings, failureHoldsMs } from "./failed-openings.ts";
import { HeldLease, type Lender } from "./held-lease.ts";
import { cannotOpen, exhausted, stopping } from "./lease-refusals.ts";
import { LeaseWaiter } from "./lease-waiter.ts";
import type { Lease, LeaseRequest, Leases } from "./leases.ts";
import { type OpenedConnection, PooledConnection, type ProfileShelf, quietMs } from "./profile-shelf.ts";
import { ProfileShelves } from "./profile-shelves.ts";

export interface LeasePoolOptions {
  /** For messages. */
  readonly server: string;
  /** Opens a connection whose server is told these client capabilities; gives up when the signal is aborted. */
  readonly open: (capabilities: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<OpenedConnection>;
  readonly clock: Clock;
  /** Connections at most; those that are being opened or closed count. */
  readonly max: number;
  /** One that nobody used for so long is closed. */
  readonly idleMs: number;
  /** Calls that may wait. Default 1,000. */
  readonly waitersMax?: number;
}

const waitersMaxDefault = 1_000;
/** A call that has waited for so long is not passed by any more: long against the quiet time, short against what a call may take. */
const overdueMs = 1_000;

export class LeasePool implements Leases, Lender, AsyncDisposable {
  readonly #options: LeasePoolOptions;
  readonly #shelves = new ProfileShelves();
  /** In order of arrival. */
  readonly #waiters: LeaseWaiter[] = [];
  /** One for each connection, from before it is opened until it is closed. */
  readonly #lives = new Set<Promise<void>>();
  /** Those that are open and not retired. */
  readonly #connections = new Set<PooledConnection>();
  readonly #failed = new FailedOpenings();
  readonly #ending = new AbortController();
  readonly #drain: Drain;
  #opening = 0;
  #inUse = 0;
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #closed: Promise<void> | undefined;

  constructor(options: LeasePoolOptions) {
    this.#options = options;
    this.#drain = new Drain(options.clock);
  }

  /** Connections that can be used, free ones and those in use. */
  get open(): number {
    return this.#connections.size;
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** Calls that wait for a connection. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Resolves once `close` was called and no connection is in use any more, or the grace is over. */
  get drained(): Promise<void> {
    return this.#drain.over;
  }

  take(request: LeaseRequest, signal?: AbortSignal): Lease | Promise<Lease> {
    // Nobody who comes later passes by those who wait.
    if (this.#waiters.length > 0 || this.#ending.signal.aborted) return this.#wait(request, signal);
    const { profile, principal } = request;
    const pooled = this.#shelves.get(profile.key)?.take(principal, this.#options.clock.nowMs());
    return pooled === undefined ? this.#wait(request, signal) : this.#lend(pooled, principal);
  }

  giveBack(pooled: PooledConnection, clean: boolean): void {
    if (pooled.state !== "lent") return;
    if (!clean || this.#ending.signal.aborted) return this.#retire(pooled);
    this.#inUse--;
    pooled.shelf.lent--;
    this.#rest(pooled);
  }

  /**
   * Lends no more, gives what is in use at most `graceMs` to be given back, closes all; resolves when nothing is left. Asked again,
   * the shorter grace holds.
   */
  close(graceMs: number): Promise<void> {
    this.#drain.within(graceMs);
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(0);
  }

  async #close(): Promise<void> {
    const { server } = this.#options;
    this.#timer?.cancel();
    this.#ending.abort(stopping(server));
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(stopping(server));
    for (const pooled of [...this.#connections]) if (pooled.state === "idle") this.#retire(pooled);
    if (this.#inUse > 0) await this.#drain.over;
    this.#drain.end();
    for (const pooled of [...this.#connections]) this.#retire(pooled);
    await Promise.all(this.#lives);
  }

  #lend(pooled: PooledConnection, principal: string): Lease {
    pooled.state = "lent";
    pooled.lastPrincipal = principal;
    pooled.shelf.lent++;
    this.#inUse++;
    return new HeldLease(pooled, this);
  }

  /** Puts it with the free ones of its profile, from where somebody who waits may take it at once. */
  #rest(pooled: PooledConnection): void {
    const nowMs = this.#options.clock.nowMs();
    pooled.state = "idle";
    pooled.idleSinceMs = nowMs;
    pooled.shelf.idle.push(pooled);
    if (this.#waiters.length > 0) this.#serve();
    else if (this.#timer === undefined) this.#wakeAt(nowMs + this.#options.idleMs, nowMs);
  }

  /** It is never lent again, and closes. */
  #retire(pooled: PooledConnection): void {
    if (pooled.state === "retired") return;
    if (pooled.state === "idle") pooled.shelf.remove(pooled);
    else {
      this.#inUse--;
      pooled.shelf.lent--;
    }
    this.#connections.delete(pooled);
    pooled.retire();
    if (this.#inUse === 0 && this.#ending.signal.aborted) this.#drain.end();
  }

  #wait(request: LeaseRequest, signal: AbortSignal | undefined): Promise<Lease> {
    const { server, clock, waitersMax = waitersMaxDefault } = this.#options;
    const { profile, waitMs } = request;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#ending.signal.aborted) return Promise.reject(stopping(server));
    const failure = this.#failed.of(profile.key, clock.nowMs());
    if (failure !== undefined && (this.#shelves.get(profile.key)?.isBare ?? true)) return Promise.reject(failure);
    if (this.#waiters.length >= waitersMax) return Promise.reject(this.#exhausted("and as many wait as may"));
    const shelf = this.#shelves.of(profile);
    const waiter = new LeaseWaiter({
      request,
      shelf,
      signal,
      clock,
      onTimeout: () => this.#refuse(waiter, this.#exhausted(`within ${waitMs} ms`)),
      onAbort: (reason) => this.#refuse(waiter, reason),
    });
    this.#waiters.push(waiter);
    shelf.waiting++;
    this.#serve();
    return waiter.lease;
  }

  #refuse(waiter: LeaseWaiter, reason: Error): void {
    this.#forget(waiter);
    waiter.refuse(reason);
    this.#shelves.dropIfUnused(waiter.shelf);
    // What was kept for it may be of use to others.
    this.#serve();
  }

  #forget(waiter: LeaseWaiter): void {
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    waiter.shelf.waiting--;
  }

  /** Gives what is free to those who wait, opens for those who are left, and makes room where there is none. */
  #serve(): void {
    if (this.#waiters.length === 0) return;
    const nowMs = this.#options.clock.nowMs();
    this.#lendInOrder(nowMs);
    this.#openMore(nowMs);
    this.#makeRoom(nowMs);
    this.#wakeForWaiters(nowMs);
  }

  #lendInOrder(nowMs: number): void {
    let kept: PooledConnection | undefined;
    for (const waiter of [...this.#waiters]) {
      if (this.#connections.size === this.#inUse) return;
      const { shelf, request } = waiter;
      const pooled = shelf.take(request.principal, nowMs, kept);
      if (pooled !== undefined) {
        this.#forget(waiter);
        waiter.grant(this.#lend(pooled, request.principal));
      } else if (waiter === this.#waiters[0] && nowMs - waiter.sinceMs >= overdueMs) {
        kept = this.#keepFor(shelf, nowMs);
      }
    }
  }

  /** For a call of this profile that has waited too long: what rests and is to be its own; else makes room, one at a time. */
  #keepFor(shelf: ProfileShelf, nowMs: number): PooledConnection | undefined {
    const [resting] = shelf.idle;
    if (resting !== undefined) return resting;
    const isComing = shelf.opening > 0 || this.#closing > 0 || this.#lives.size < this.#options.max;
    const room = isComing || this.#lacking(shelf, nowMs) === 0 ? undefined : this.#shelves.longestIdle(() => true);
    if (room !== undefined) this.#retire(room);
    return undefined;
  }

  #openMore(nowMs: number): void {
    for (const { shelf } of this.#waiters) {
      if (this.#lives.size >= this.#options.max) return;
      if (this.#lacking(shelf, nowMs) > 0) this.#openOne(shelf);
    }
  }

  /** How many connections would have to be opened, beyond those that are, for each waiting call to get one. */
  #lacking(shelf: ProfileShelf, nowMs: number): number {
    if (shelf.waiting <= shelf.opening || this.#failed.of(shelf.profile.key, nowMs) !== undefined) return 0;
    return shelf.waiting - shelf.opening;
  }

  /** All places are taken: closes as many free connections as are lacking elsewhere, of profiles for which nobody waits. */
  #makeRoom(nowMs: number): void {
    if (this.#lives.size < this.#options.max) return;
    let lacking = -this.#closing;
    for (const shelf of this.#shelves) lacking += this.#lacking(shelf, nowMs);
    for (; lacking > 0; lacking--) {
      const room = this.#shelves.longestIdle((shelf) => shelf.waiting === 0);
      if (room === undefined) return;
      this.#retire(room);
    }
  }

  #openOne(shelf: ProfileShelf): void {
    shelf.opening++;
    this.#opening++;
    const life = this.#live(shelf).then(() => {
      this.#lives.delete(life);
      this.#shelves.dropIfUnused(shelf);
      this.#serve();
    });
    this.#lives.add(life);
  }

  /** A connection from its opening to its end. */
  async #live(shelf: ProfileShelf): Promise<void> {
    const opened = await this.#tryToOpen(shelf);
    shelf.opening--;
    this.#opening--;
    if (opened instanceof ManagerError) return this.#onOpenFailed(shelf, opened);
    if (!this.#ending.signal.aborted) {
      const pooled = new PooledConnection(opened, shelf, this.#options.clock.nowMs());
      this.#connections.add(pooled);
      void opened.connection.closed.then(() => this.#retire(pooled));
      this.#rest(pooled);
      await pooled.retired;
    }
    // Whatever keeps it from closing in order, it is of no use to anybody.
    await opened.close(0).catch(() => undefined);
  }

  async #tryToOpen({ profile }: ProfileShelf): Promise<OpenedConnection | ManagerError> {
    try {
      return await this.#options.open(profile.capabilities, this.#ending.signal);
    } catch (error) {
      return ManagerError.from(error);
    }
  }

  #onOpenFailed(shelf: ProfileShelf, cause: ManagerError): void {
    if (this.#ending.signal.aborted) return;
    const { server, clock } = this.#options;
    const error = cannotOpen(server, cause, failureHoldsMs);
    this.#failed.add(shelf.profile.key, error, clock.nowMs());
    // Where others of the profile are open or about to be, they serve those who wait.
    if (!shelf.isBare) return;
    for (const waiter of this.#waiters.filter((each) => each.shelf === shelf)) {
      this.#forget(waiter);
      waiter.refuse(error);
    }
  }

  get #closing(): number {
    return this.#lives.size - this.#opening - this.#connections.size;
  }

  #wakeAt(dueMs: number, nowMs: number): void {
    if (this.#timer !== undefined && this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#options.clock.after(Math.max(1, dueMs - nowMs), this.#onTimer);
  }

  /** When something may change for those who wait though nobody does anything. */
  #wakeForWaiters(nowMs: number): void {
    for (const shelf of this.#shelves) {
      if (shelf.waiting === 0) continue;
      const [resting] = shelf.idle;
      if (resting !== undefined) this.#wakeAt(resting.idleSinceMs + quietMs, nowMs);
      if (this.#failed.of(shelf.profile.key, nowMs) !== undefined) this.#wakeAt(nowMs + failureHoldsMs, nowMs);
    }
  }

  readonly #onTimer = (): void => {
    const { clock, idleMs } = this.#options;
    this.#timer = undefined;
    const nowMs = clock.nowMs();
    for (const { idle } of this.#shelves) {
      while (idle[0] !== undefined && nowMs - idle[0].idleSinceMs >= idleMs) this.#retire(idle[0]);
      if (idle[0] !== undefined) this.#wakeAt(idle[0].idleSinceMs + idleMs, nowMs);
    }
    this.#serve();
  };

  #exhausted(how: string): ManagerError {
    const { server, max } = this.#options;
    return exhausted(server, how, { inUse: this.#inUse, opening: this.#opening, waiting: this.waiting, max });
  }
}
