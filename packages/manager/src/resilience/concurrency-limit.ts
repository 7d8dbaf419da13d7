/**
 * Places for calls in flight to one server, and a line for those that find none. It needs no failure to be useful: what a slow server
 * holds is bounded, and so is how long anybody waits for it. Calls are served in the order in which they came, but for one rule: while
 * others wait, a principal that has its share of the places is passed over, so that one client cannot take a server for itself.
 */
import type { Clock } from "../base/clock.ts";
import { type Share, Shares } from "./shares.ts";
import type { UsualDuration } from "./usual-duration.ts";
import { type Waiter, WaitingLine } from "./waiting-line.ts";

/** What is known of a call that may have to wait. */
export interface LimitedCall {
  readonly principal: string;
  /** When its own time is up. */
  readonly dueMs: number;
}

/** Why a call gets no place. */
export type Drop =
  /** The line is full. */
  | { readonly kind: "full" }
  /** It gave way to a call of somebody who had less in the full line. */
  | { readonly kind: "displaced" }
  | { readonly kind: "waited"; readonly forMs: number }
  /** It has less time left than such a call usually takes. */
  | { readonly kind: "no-time"; readonly leftMs: number; readonly usualMs: number };

/** Who is told what becomes of those that wait. Must not throw; may call back. */
export interface LimitOwner<Call> {
  /** It has a place now, to be given back with `release`. */
  onPlace(call: Call, share: Share): void;
  onDropped(call: Call, why: Drop): void;
}

export interface ConcurrencyLimitOptions<Call> {
  readonly places: number;
  /** Calls that may wait. */
  readonly queue: number;
  readonly usual: UsualDuration;
  readonly clock: Clock;
  readonly owner: LimitOwner<Call>;
}

/** Longest wait for a place. */
const waitMaxMs = 2_000;
/** Of the places, and of a full line, that one principal may have while others want one. */
const principalShare = 0.25;

export class ConcurrencyLimit<Call extends LimitedCall> {
  readonly #clock: Clock;
  readonly #usual: UsualDuration;
  readonly #owner: LimitOwner<Call>;
  readonly #shares = new Shares();
  readonly #line: WaitingLine<Call>;
  #places: number;
  #queue: number;
  #inFlight = 0;
  #isServing = false;

  constructor({ places, queue, usual, clock, owner }: ConcurrencyLimitOptions<Call>) {
    this.#clock = clock;
    this.#usual = usual;
    this.#owner = owner;
    this.#places = places;
    this.#queue = queue;
    this.#line = new WaitingLine(clock, (waiter, nowMs) =>
      owner.onDropped(waiter.call, this.#whyOverdue(waiter, nowMs)),
    );
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** How many wait that are meant. */
  waitingOf(isMeant: (call: Call) => boolean): number {
    return this.#line.count(({ call }) => isMeant(call));
  }

  /** A place at once, to be given back with `release`; undefined when there is none, or others came before. */
  tryEnter(principal: string): Share | undefined {
    if (this.#inFlight >= this.#places || this.#line.size > 0) return undefined;
    return this.#occupy(this.#shares.of(principal));
  }

  /** Joins the line; the owner is told what becomes of it, later. Or why there is no sense in it. */
  wait(call: Call, nowMs: number): Drop | undefined {
    const usualMs = this.#usual.medianMs;
    const leftMs = call.dueMs - nowMs;
    if (leftMs < usualMs) return { kind: "no-time", leftMs, usualMs };
    const share = this.#shares.of(call.principal);
    if (this.#line.size >= this.#queue && !this.#makeRoom(share)) return { kind: "full" };
    const untilMs = nowMs + Math.min(waitMaxMs, leftMs - usualMs);
    this.#line.add({ call, share, sinceMs: nowMs, untilMs }, nowMs);
    return undefined;
  }

  /** Leaves the line without being told; does nothing for a call that is not in it. */
  leave(call: Call): void {
    this.#line.takeLast((waiter) => waiter.call === call);
  }

  /** Takes those that are meant out of the line, for the caller to tell them why. */
  takeOut(isMeant: (call: Call) => boolean): readonly Call[] {
    return this.#line.takeAll((waiter) => isMeant(waiter.call)).map(({ call }) => call);
  }

  /** Gives a place back. */
  release(share: Share): void {
    share.inFlight--;
    this.#inFlight--;
    if (this.#line.size > 0) this.#serve();
  }

  /** Who has a place keeps it, and who waits goes on waiting, when they are fewer now. */
  setBounds(places: number, queue: number): void {
    this.#places = places;
    this.#queue = queue;
    this.#serve();
  }

  #occupy(share: Share): Share {
    share.inFlight++;
    this.#inFlight++;
    return share;
  }

  /** Fills free places. A call that is over at once calls back in here: the loop goes on, the stack does not grow. */
  #serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.#inFlight < this.#places && this.#line.size > 0) this.#serveNext();
    } finally {
      this.#isServing = false;
    }
  }

  #serveNext(): void {
    const shareMax = shareOf(this.#places);
    const waiter = this.#line.takeFirst(({ share }) => share.inFlight < shareMax);
    if (waiter === undefined) return;
    const nowMs = this.#clock.nowMs();
    if (nowMs >= waiter.untilMs) this.#owner.onDropped(waiter.call, this.#whyOverdue(waiter, nowMs));
    else this.#owner.onPlace(waiter.call, this.#occupy(waiter.share));
  }

  /** In a full line, the latest call of one that has more than its share of it gives way to one that has less. */
  #makeRoom(newcomer: Share): boolean {
    const shareMax = shareOf(this.#queue);
    if (this.#queue === 0 || newcomer.waiting >= shareMax) return false;
    const displaced = this.#line.takeLast(({ share }) => share.waiting > shareMax);
    if (displaced !== undefined) this.#owner.onDropped(displaced.call, { kind: "displaced" });
    return displaced !== undefined && this.#line.size < this.#queue;
  }

  #whyOverdue({ call, sinceMs }: Waiter<Call>, nowMs: number): Drop {
    const forMs = nowMs - sinceMs;
    if (forMs >= waitMaxMs) return { kind: "waited", forMs };
    return { kind: "no-time", leftMs: Math.max(0, call.dueMs - nowMs), usualMs: this.#usual.medianMs };
  }
}

function shareOf(all: number): number {
  return Math.max(1, Math.floor(all * principalShare));
}
