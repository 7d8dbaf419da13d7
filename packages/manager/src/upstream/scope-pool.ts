/**
 * The connections of one replica whose server keeps its callers apart: one for each principal, or session, and what its client can be
 * asked. It is kept between calls, because the server's state lives in it, and is never anybody else's. Owns how many there are,
 * which one goes when another scope needs the place, and the end of all; knows neither processes nor HTTP, and sends nothing.
 *
 *   opening ──▶ open ──▶ retired    closed by itself, unused for long, room for another scope, its session over, end of the pool
 */
import type { ManagerError, Sharing } from "@mcp-manager/api";
import type { Timer } from "../base/clock.ts";
import { Drain } from "../transport/drain.ts";
import { HeldLease, type Lender } from "./held-lease.ts";
import { exhausted, noRoomForScope, scopeLost, stopping } from "./lease-refusals.ts";
import { LeaseWaiter } from "./lease-waiter.ts";
import { type CloseReason, type Lease, type LeaseRequest, type Leases, shareOf } from "./leases.ts";
import type { PoolOptions } from "./pool-options.ts";
import { PoolPlaces } from "./pool-places.ts";
import type { OpenedConnection } from "./profile-shelf.ts";
import { ScopedConnection, type ScopeWaiter } from "./scoped-connection.ts";

export interface ScopePoolOptions extends PoolOptions {
  readonly sharing: Exclude<Sharing, "shared">;
}

const waitersMaxDefault = 1_000;
/** A server that left so many calls in a row without an answer is taken for hung: its state is of no use then. */
const unansweredMax = 5;

export class ScopePool implements Leases, Lender<ScopedConnection>, AsyncDisposable {
  readonly sharing: Sharing;
  readonly #options: ScopePoolOptions;
  /** All that are not retired. */
  readonly #byKey = new Map<string, ScopedConnection>();
  /** Those that wait until another has closed, in order. */
  readonly #unplaced: ScopedConnection[] = [];
  /** Connections of each scope. */
  readonly #scopes = new Map<string, number>();
  readonly #ending = new AbortController();
  readonly #places: PoolPlaces;
  readonly #drain: Drain;
  #calls = 0;
  #waiting = 0;
  #timer: Timer | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ScopePoolOptions) {
    this.sharing = options.sharing;
    this.#options = options;
    this.#places = new PoolPlaces(options, this.#ending.signal);
    this.#drain = new Drain(options.clock);
  }

  get open(): number {
    return this.#count(({ state }) => state === "open");
  }

  get inUse(): number {
    return this.#count(({ calls }) => calls > 0);
  }

  get idle(): number {
    return this.open - this.inUse;
  }

  get calls(): number {
    return this.#calls;
  }

  get spare(): number {
    return this.#options.spares?.count ?? 0;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** As `LeasePool.drained`. */
  get drained(): Promise<void> {
    return this.#drain.over;
  }

  take(request: LeaseRequest, signal?: AbortSignal): Lease | Promise<Lease> {
    if (this.#ending.signal.aborted) return Promise.reject(stopping(this.#options.server));
    const key = keyOf(request);
    const kept = this.#byKey.get(key);
    const isPlain = request.isPlain === true;
    if (kept?.admits(isPlain) === true) return this.#lend(kept, isPlain);
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const place = kept ?? this.#place(key, request);
    return place instanceof ScopedConnection ? this.#wait(place, request, signal) : Promise.reject(place);
  }

  giveBack(scoped: ScopedConnection, clean: boolean): void {
    this.#calls--;
    scoped.giveBack();
    scoped.unanswered = clean ? 0 : scoped.unanswered + 1;
    if (this.#calls === 0 && this.#ending.signal.aborted) this.#drain.end();
    if (scoped.state === "retired") return;
    if (scoped.unanswered >= unansweredMax) return this.#retire(scoped, "unclean");
    this.#serve(scoped);
  }

  holds(scope: string): boolean {
    return this.#scopes.has(scope);
  }

  endScope(scope: string): void {
    if (!this.#scopes.has(scope)) return;
    for (const scoped of [...this.#byKey.values()]) if (scoped.scope === scope) this.#retire(scoped, "scope");
  }

  /** As `LeasePool.close`. */
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
    for (const scoped of [...this.#byKey.values()]) {
      this.#refuseLine(scoped, stopping(server));
      if (scoped.calls === 0) this.#retire(scoped, "stopped");
    }
    if (this.#calls > 0) await this.#drain.over;
    this.#drain.end();
    for (const scoped of [...this.#byKey.values()]) this.#retire(scoped, "stopped");
    await this.#places.left;
  }

  #lend(scoped: ScopedConnection, isPlain: boolean): Lease {
    this.#calls++;
    scoped.take(isPlain);
    return new HeldLease(scoped, this, !isPlain);
  }

  /** A connection for this scope from now on; or why there is none. */
  #place(key: string, request: LeaseRequest): ScopedConnection | ManagerError {
    const { server, max } = this.#options;
    const failure = this.#places.failureOf(request.profile.key);
    if (failure !== undefined) return failure;
    if (!this.#makeRoom(request.principal)) return noRoomForScope(server, max());
    const scoped = new ScopedConnection(key, request);
    this.#byKey.set(key, scoped);
    this.#scopes.set(scoped.scope, (this.#scopes.get(scoped.scope) ?? 0) + 1);
    this.#unplaced.push(scoped);
    this.#openMore();
    return scoped;
  }

  /** The longest idle goes; where none is, one of a principal with more than its share that waits for its client gives way. */
  #makeRoom(principal: string): boolean {
    const max = this.#options.max();
    while (this.#byKey.size >= max) {
      const room = this.#longestIdle() ?? this.#askForRoom(principal, shareOf(max));
      if (room === undefined) return false;
      this.#retire(room, "room");
    }
    return true;
  }

  #longestIdle(): ScopedConnection | undefined {
    let longest: ScopedConnection | undefined;
    for (const scoped of this.#byKey.values()) {
      if (scoped.isIdle && (longest === undefined || scoped.idleSinceMs < longest.idleSinceMs)) longest = scoped;
    }
    return longest;
  }

  #askForRoom(besides: string, share: number): ScopedConnection | undefined {
    const all = [...this.#byKey.values()];
    let longest: ScopedConnection | undefined;
    for (const scoped of all) {
      const { principal, waitingForClient, line } = scoped;
      if (waitingForClient === undefined || line.length > 0 || principal === besides) continue;
      if (all.filter((other) => other.principal === principal).length <= share) continue;
      if (waitingForClient.sinceMs < (longest?.waitingForClient?.sinceMs ?? Infinity)) longest = scoped;
    }
    longest?.waitingForClient?.giveUp();
    return longest?.isIdle === true ? longest : undefined;
  }

  #wait(place: ScopedConnection, request: LeaseRequest, signal: AbortSignal | undefined): Promise<Lease> {
    const { server, clock, max, waitersMax = waitersMaxDefault } = this.#options;
    const counts = { inUse: this.inUse, opening: this.#places.opening, waiting: this.#waiting, max: max() };
    if (this.#waiting >= waitersMax) return Promise.reject(exhausted(server, "and as many wait as may", counts));
    const waiter: ScopeWaiter = new LeaseWaiter({
      request,
      place,
      signal,
      clock,
      onTimeout: () => this.#refuse(waiter, exhausted(server, `within ${request.waitMs} ms`, counts)),
      onAbort: (reason) => this.#refuse(waiter, reason),
    });
    place.line.push(waiter);
    this.#waiting++;
    return waiter.lease;
  }

  #refuse(waiter: ScopeWaiter, reason: Error): void {
    const { place } = waiter;
    place.line.splice(place.line.indexOf(waiter), 1);
    this.#waiting--;
    waiter.refuse(reason);
    // Who stood behind it may not have to wait.
    this.#serve(place);
  }

  #refuseLine({ line }: ScopedConnection, reason: Error): void {
    this.#waiting -= line.length;
    for (const waiter of line.splice(0)) waiter.refuse(reason);
  }

  /** Gives it to those who wait for it; one that nobody wants rests. */
  #serve(scoped: ScopedConnection): void {
    for (let waiter = scoped.next(); waiter !== undefined; waiter = scoped.next()) {
      this.#waiting--;
      waiter.grant(this.#lend(scoped, waiter.request.isPlain === true));
    }
    if (!scoped.isIdle) return;
    if (this.#ending.signal.aborted) return this.#retire(scoped, "stopped");
    // The bound may have been lowered.
    if (this.#byKey.size > this.#options.max()) return this.#retire(scoped, "room");
    scoped.idleSinceMs = this.#options.clock.nowMs();
    this.#arm(this.#options.idleMs);
  }

  #retire(scoped: ScopedConnection, reason: CloseReason): void {
    if (scoped.state === "retired") return;
    const wasOpen = scoped.state === "open";
    scoped.retire();
    this.#byKey.delete(scoped.key);
    const left = (this.#scopes.get(scoped.scope) ?? 1) - 1;
    if (left === 0) this.#scopes.delete(scoped.scope);
    else this.#scopes.set(scoped.scope, left);
    const at = this.#unplaced.indexOf(scoped);
    if (at >= 0) this.#unplaced.splice(at, 1);
    if (wasOpen) this.#options.onLease?.({ kind: "closed", reason });
    this.#refuseLine(scoped, scopeLost(this.#options.server));
  }

  #openMore(): void {
    while (this.#places.hasRoom) {
      const scoped = this.#unplaced.shift();
      if (scoped === undefined) return;
      this.#places.occupy({
        key: scoped.profile.key,
        profile: scoped.profile,
        onOpened: (opened) => this.#onOpened(scoped, opened),
        onFailed: (error) => {
          this.#refuseLine(scoped, error);
          this.#retire(scoped, "lost");
        },
        onGone: () => this.#openMore(),
      });
    }
  }

  #onOpened(scoped: ScopedConnection, opened: OpenedConnection): Promise<void> {
    if (scoped.state === "retired") {
      // Its scope has ended meanwhile.
      this.#options.onLease?.({ kind: "closed", reason: "scope" });
      return scoped.retired;
    }
    scoped.begin(opened);
    void opened.connection.closed.then(() => this.#retire(scoped, "lost"));
    this.#serve(scoped);
    return scoped.retired;
  }

  #arm(ms: number): void {
    this.#timer ??= this.#options.clock.after(Math.max(1, ms), () => {
      this.#timer = undefined;
      const { clock, idleMs } = this.#options;
      const nowMs = clock.nowMs();
      let nextMs = Infinity;
      for (const scoped of [...this.#byKey.values()]) {
        if (!scoped.isIdle) continue;
        if (nowMs - scoped.idleSinceMs >= idleMs) this.#retire(scoped, "idle");
        else nextMs = Math.min(nextMs, scoped.idleSinceMs + idleMs);
      }
      if (nextMs < Infinity) this.#arm(nextMs - nowMs);
    });
  }

  #count(isMeant: (scoped: ScopedConnection) => boolean): number {
    let count = 0;
    for (const scoped of this.#byKey.values()) if (isMeant(scoped)) count++;
    return count;
  }
}

/** A line break is in neither. */
function keyOf({ scope, principal, profile }: LeaseRequest): string {
  return `${scope ?? principal}\n${profile.key}`;
}
