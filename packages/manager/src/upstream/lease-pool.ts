/**
 * The connections of one replica that are lent for one call at a time, each to one call. Owns how many there are, who waits, when
 * an unused or worn one goes, what is opened ahead, and the end of all; knows neither processes nor HTTP, and sends nothing.
 *
 *   opening ──▶ idle ⇄ lent
 *                └──┬───┘  closed by itself, not given back clean, worn, unused for long, room for another profile, end of the pool
 *                   ▼
 *                retired ──▶ closed, and its place free
 *
 * Who waits is served in order, except that a connection of no use to the first is not kept from those behind, and that a principal
 * with its share of the places stands back while there are too few. Once the first has waited for `overdueMs`, the next one that is
 * free is kept for it, or closed to make room for it.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Timer } from "../base/clock.ts";
import { Drain } from "../transport/drain.ts";
import { failureHoldsMs } from "./failed-openings.ts";
import { HeldLease, type Lender } from "./held-lease.ts";
import { exhausted, stopping } from "./lease-refusals.ts";
import { longestWaiting, placesByPrincipal } from "./lease-shares.ts";
import { LeaseWaiter } from "./lease-waiter.ts";
import { type CloseReason, type Lease, type LeaseRequest, type Leases, shareOf } from "./leases.ts";
import type { PoolOptions } from "./pool-options.ts";
import { PoolPlaces } from "./pool-places.ts";
import { type OpenedConnection, PooledConnection, type ProfileShelf, quietMs } from "./profile-shelf.ts";
import { ProfileShelves } from "./profile-shelves.ts";
import { type ShelfWaiter, WaitingLine } from "./waiting-line.ts";

export interface LeasePoolOptions extends PoolOptions {
  /** Profiles, the ones used last, of which one connection is kept ready for the next client. Default 0. */
  readonly aheadMax?: number;
  /** One that was lent so often, or is so old, is replaced between two calls. Default: none is. */
  readonly usesMax?: number;
  readonly ageMaxMs?: number;
}

const waitersMaxDefault = 1_000;
/** A connection that nobody used for so long gives way to a spare; sooner, it would be one start after the other under load. */
const restMs = 5_000;
/** A call that has waited for so long is not passed by any more: long against the quiet time, short against what a call may take. */
const overdueMs = 1_000;

export class LeasePool implements Leases, Lender<PooledConnection>, AsyncDisposable {
  readonly sharing = "shared";
  readonly #options: LeasePoolOptions;
  readonly #shelves = new ProfileShelves();
  readonly #line = new WaitingLine();
  /** Those that are open and not retired. */
  readonly #connections = new Set<PooledConnection>();
  readonly #ending = new AbortController();
  readonly #places: PoolPlaces;
  readonly #drain: Drain;
  #inUse = 0;
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #closed: Promise<void> | undefined;

  constructor(options: LeasePoolOptions) {
    this.#options = options;
    this.#places = new PoolPlaces(options, this.#ending.signal);
    this.#drain = new Drain(options.clock);
  }

  get open(): number {
    return this.#connections.size;
  }

  get inUse(): number {
    return this.#inUse;
  }

  get idle(): number {
    return this.#connections.size - this.#inUse - this.#shelves.unused;
  }

  get calls(): number {
    return this.#inUse;
  }

  get spare(): number {
    return this.#shelves.unused + (this.#options.spares?.count ?? 0);
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Resolves once `close` was called and no connection is in use any more, or the grace is over. */
  get drained(): Promise<void> {
    return this.#drain.over;
  }

  /** All share: no connection is anybody's. */
  holds(): boolean {
    return false;
  }

  endScope(): void {}

  take(request: LeaseRequest, signal?: AbortSignal): Lease | Promise<Lease> {
    // Nobody who comes later passes by those who wait.
    if (this.#line.length > 0 || this.#ending.signal.aborted) return this.#wait(request, signal);
    const { profile, principal } = request;
    const pooled = this.#shelves.get(profile.key)?.take(principal, this.#options.clock.nowMs());
    return pooled === undefined ? this.#wait(request, signal) : this.#lend(pooled, principal);
  }

  giveBack(pooled: PooledConnection, clean: boolean): void {
    if (pooled.state !== "lent") return;
    const reason = clean ? this.#reasonToRetire(pooled) : "unclean";
    if (reason !== undefined) return this.#retire(pooled, reason);
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
    for (const waiter of this.#line.clear()) waiter.refuse(stopping(server));
    for (const pooled of [...this.#connections]) if (pooled.state === "idle") this.#retire(pooled, "stopped");
    if (this.#inUse > 0) await this.#drain.over;
    this.#drain.end();
    for (const pooled of [...this.#connections]) this.#retire(pooled, "stopped");
    await this.#places.left;
  }

  #reasonToRetire({ uses, openedMs }: PooledConnection): CloseReason | undefined {
    const { clock, max, usesMax = Infinity, ageMaxMs = Infinity } = this.#options;
    if (this.#ending.signal.aborted) return "stopped";
    if (uses >= usesMax || clock.nowMs() - openedMs >= ageMaxMs) return "recycled";
    // The bound may have been lowered.
    return this.#connections.size + this.#places.opening > max() ? "room" : undefined;
  }

  #lend(pooled: PooledConnection, principal: string): Lease {
    const { shelf } = pooled;
    pooled.state = "lent";
    pooled.lastPrincipal = principal;
    pooled.uses++;
    shelf.lent++;
    shelf.usedMs = this.#options.clock.nowMs();
    this.#inUse++;
    if (shelf.idle.length === 0) this.#openAhead(shelf);
    return new HeldLease(pooled, this, true);
  }

  /** Puts it with the free ones of its profile, from where somebody who waits may take it at once. */
  #rest(pooled: PooledConnection): void {
    const nowMs = this.#options.clock.nowMs();
    pooled.state = "idle";
    pooled.idleSinceMs = nowMs;
    pooled.shelf.idle.push(pooled);
    if (this.#line.length > 0) return this.#serve();
    const { idleMs } = this.#options;
    this.#wakeAt(nowMs + (this.#places.lacksSpares ? Math.min(restMs, idleMs) : idleMs), nowMs);
  }

  /** It is never lent again, and closes. */
  #retire(pooled: PooledConnection, reason: CloseReason): void {
    if (pooled.state === "retired") return;
    if (pooled.state === "idle") pooled.shelf.remove(pooled);
    else {
      this.#inUse--;
      pooled.shelf.lent--;
    }
    this.#connections.delete(pooled);
    pooled.retire();
    this.#options.onLease?.({ kind: "closed", reason });
    if (this.#inUse === 0 && this.#ending.signal.aborted) this.#drain.end();
  }

  #wait(request: LeaseRequest, signal: AbortSignal | undefined): Promise<Lease> {
    const { server, clock, waitersMax = waitersMaxDefault } = this.#options;
    const { profile, waitMs } = request;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#ending.signal.aborted) return Promise.reject(stopping(server));
    const failure = this.#places.failureOf(profile.key);
    if (failure !== undefined && (this.#shelves.get(profile.key)?.isBare ?? true)) return Promise.reject(failure);
    if (this.#line.length >= waitersMax) return Promise.reject(this.#exhausted("and as many wait as may"));
    const place = this.#shelves.of(profile);
    const waiter = new LeaseWaiter({
      request,
      place,
      signal,
      clock,
      onTimeout: () => this.#refuse(waiter, this.#exhausted(`within ${waitMs} ms`)),
      onAbort: (reason) => this.#refuse(waiter, reason),
    });
    this.#line.add(waiter);
    this.#serve();
    return waiter.lease;
  }

  #refuse(waiter: ShelfWaiter, reason: Error): void {
    this.#line.remove(waiter);
    waiter.refuse(reason);
    this.#shelves.dropIfUnused(waiter.place);
    // What was kept for it may be of use to others.
    this.#serve();
  }

  /** Gives what is free to those who wait, opens for those who are left, and makes room where there is none. */
  #serve(): void {
    const nowMs = this.#options.clock.nowMs();
    // When all whose turn it was are served, it is everybody's.
    while (this.#line.length > 0) {
      const left = this.#lendInOrder(this.#inTurn(), nowMs);
      if (left.length === 0) continue;
      this.#openMore(left);
      this.#makeRoom(left);
      this.#wakeForWaiters(nowMs);
      return;
    }
  }

  #inTurn(): readonly ShelfWaiter[] {
    if (this.#places.hasRoom) return [...this.#line.all];
    return this.#line.inTurn(shareOf(this.#options.max()), () => placesByPrincipal(this.#connections));
  }

  /** Gives those who still wait. */
  #lendInOrder(waiters: readonly ShelfWaiter[], nowMs: number): readonly ShelfWaiter[] {
    let kept: PooledConnection | undefined;
    return waiters.filter((waiter) => {
      if (this.#connections.size === this.#inUse) return true;
      const { place, request } = waiter;
      const pooled = place.take(request.principal, nowMs, kept);
      if (pooled !== undefined) {
        this.#line.remove(waiter);
        waiter.grant(this.#lend(pooled, request.principal));
      } else if (waiter === waiters[0] && nowMs - waiter.sinceMs >= overdueMs) {
        kept = this.#keepFor(place);
      }
      return pooled === undefined;
    });
  }

  /** For a call of this profile that has waited too long: what rests and is to be its own; else makes room, one at a time. */
  #keepFor(shelf: ProfileShelf): PooledConnection | undefined {
    const [resting] = shelf.idle;
    if (resting !== undefined) return resting;
    const isComing = shelf.opening > 0 || this.#closing > 0 || this.#places.hasRoom;
    const room = isComing || this.#lacking(shelf) === 0 ? undefined : this.#shelves.longestIdle(() => true);
    if (room !== undefined) this.#retire(room, "room");
    return undefined;
  }

  #openMore(waiters: readonly ShelfWaiter[]): void {
    for (const { place } of waiters) {
      if (!this.#places.hasRoom) return;
      if (this.#lacking(place) > 0) this.#openOne(place);
    }
  }

  /** One that nobody waits for, so that the next client of a profile that is in use finds it open. */
  #openAhead(shelf: ProfileShelf): void {
    const { aheadMax = 0, clock } = this.#options;
    if (aheadMax === 0 || this.#ending.signal.aborted || shelf.idle.length + shelf.opening > 0) return;
    if (this.#line.length > 0 || !this.#places.hasRoomBesideSpares) return;
    if (this.#places.failureOf(shelf.profile.key) !== undefined) return;
    if (this.#shelves.recentUntil(shelf, aheadMax, clock.nowMs()) !== undefined) this.#openOne(shelf);
  }

  /** How many connections would have to be opened, beyond those that are, for each waiting call to get one. */
  #lacking(shelf: ProfileShelf): number {
    if (shelf.waiting <= shelf.opening || this.#places.failureOf(shelf.profile.key) !== undefined) return 0;
    return shelf.waiting - shelf.opening;
  }

  /** All places are taken: closes as many free connections as are lacking elsewhere, of profiles for which nobody waits in turn. */
  #makeRoom(waiters: readonly ShelfWaiter[]): void {
    if (this.#places.hasRoom) return;
    const wanted = new Set(waiters.map(({ place }) => place));
    let lacking = -this.#closing;
    for (const shelf of wanted) lacking += this.#lacking(shelf);
    for (; lacking > 0; lacking--) {
      const room = this.#shelves.longestIdle((shelf) => !wanted.has(shelf));
      if (room === undefined) return this.#askForRoom(waiters);
      this.#retire(room, "room");
    }
  }

  /** A principal with more than its share gives up the call that has waited longest for its client; one at a time. */
  #askForRoom([first]: readonly ShelfWaiter[]): void {
    if (this.#closing > 0) return;
    const share = shareOf(this.#options.max());
    longestWaiting(this.#connections, share, first?.request.principal)?.waitingForClient?.giveUp();
  }

  #openOne(shelf: ProfileShelf): void {
    const { profile } = shelf;
    shelf.opening++;
    this.#places.occupy({
      key: profile.key,
      profile,
      onOpened: (opened) => this.#onOpened(shelf, opened),
      onFailed: (error) => this.#onOpenFailed(shelf, error),
      onGone: () => {
        this.#serve();
        this.#openAhead(shelf);
        this.#shelves.dropIfUnused(shelf);
      },
    });
  }

  #onOpened(shelf: ProfileShelf, opened: OpenedConnection): Promise<void> {
    shelf.opening--;
    const pooled = new PooledConnection(opened, shelf, this.#options.clock.nowMs());
    this.#connections.add(pooled);
    void opened.connection.closed.then(() => this.#retire(pooled, "lost"));
    this.#rest(pooled);
    return pooled.retired;
  }

  #onOpenFailed(shelf: ProfileShelf, error: ManagerError): void {
    shelf.opening--;
    // Where others of the profile are open or about to be, they serve those who wait.
    if (!shelf.isBare) return;
    for (const waiter of this.#line.all.filter(({ place }) => place === shelf)) {
      this.#line.remove(waiter);
      waiter.refuse(error);
    }
  }

  get #closing(): number {
    return this.#places.taken - this.#places.opening - this.#connections.size;
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
      if (this.#places.failureOf(shelf.profile.key) !== undefined) this.#wakeAt(nowMs + failureHoldsMs, nowMs);
    }
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    const nowMs = this.#options.clock.nowMs();
    for (const shelf of this.#shelves) this.#endUnused(shelf, nowMs);
    this.#makeRoomForSpares(nowMs);
    this.#serve();
  };

  /** What rests for a while fits clients of one profile; a spare fits any. */
  #makeRoomForSpares(nowMs: number): void {
    const room = this.#places.lacksSpares && this.#closing === 0 ? this.#shelves.longestIdle(() => true) : undefined;
    if (room === undefined) return;
    if (nowMs - room.idleSinceMs >= restMs) this.#retire(room, "room");
    else this.#wakeAt(room.idleSinceMs + restMs, nowMs);
  }

  /** Closes what nobody used for long, but for the last one of a profile that is likely to be used again. */
  #endUnused(shelf: ProfileShelf, nowMs: number): void {
    const { idleMs, aheadMax = 0 } = this.#options;
    const keptUntilMs = this.#shelves.recentUntil(shelf, aheadMax, nowMs);
    const least = keptUntilMs === undefined ? 0 : 1;
    const { idle } = shelf;
    while (idle[0] !== undefined && idle.length > least && nowMs - idle[0].idleSinceMs >= idleMs)
      this.#retire(idle[0], "idle");
    if (idle[0] === undefined) return;
    const dueMs = idle[0].idleSinceMs + idleMs;
    this.#wakeAt(idle.length > least ? dueMs : Math.max(dueMs, keptUntilMs ?? 0), nowMs);
  }

  #exhausted(how: string): ManagerError {
    const { server, max } = this.#options;
    return exhausted(server, how, {
      inUse: this.#inUse,
      opening: this.#places.opening,
      waiting: this.waiting,
      max: max(),
    });
  }
}
