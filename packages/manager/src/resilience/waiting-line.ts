/**
 * Calls that wait for a place, in the order in which they came, with one timer for all. Who leaves is gone at once: a line whose
 * members had given up would refuse newcomers for the sake of nobody (reliability.md 2.5).
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Share } from "./shares.ts";

/** One that waits. */
export interface Waiter<Call> {
  readonly call: Call;
  /** Of its principal; the line keeps count in it. */
  readonly share: Share;
  readonly sinceMs: number;
  /** When there is no sense in waiting longer. */
  readonly untilMs: number;
}

/** The timer fires no more often than this, so that many terms a little apart are one visit. A waiter is told so much late at most. */
const tickMs = 25;

export class WaitingLine<Call> {
  readonly #clock: Clock;
  readonly #onOverdue: (waiter: Waiter<Call>, nowMs: number) => void;
  readonly #waiters: Waiter<Call>[] = [];
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  /** `onOverdue` is told of those whose time is up; they are out of the line by then. */
  constructor(clock: Clock, onOverdue: (waiter: Waiter<Call>, nowMs: number) => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  get size(): number {
    return this.#waiters.length;
  }

  /** How many there are for whom `isMeant` is true. */
  count(isMeant: (waiter: Waiter<Call>) => boolean): number {
    return this.#waiters.filter(isMeant).length;
  }

  /** Joins at the end. */
  add(waiter: Waiter<Call>, nowMs: number): void {
    this.#waiters.push(waiter);
    waiter.share.waiting++;
    if (waiter.untilMs < this.#timerDueMs - tickMs) this.#arm(waiter.untilMs, nowMs);
  }

  /** Takes the first of those for whom `isPreferred` is true; the first of all when it is for none. */
  takeFirst(isPreferred: (waiter: Waiter<Call>) => boolean): Waiter<Call> | undefined {
    return this.#takeAt(Math.max(0, this.#waiters.findIndex(isPreferred)));
  }

  /** Takes the last of those for whom `isMeant` is true. */
  takeLast(isMeant: (waiter: Waiter<Call>) => boolean): Waiter<Call> | undefined {
    return this.#takeAt(this.#waiters.findLastIndex(isMeant));
  }

  /** Takes all for whom `isMeant` is true, in order. */
  takeAll(isMeant: (waiter: Waiter<Call>) => boolean): readonly Waiter<Call>[] {
    const [taken, left] = [this.#waiters.filter(isMeant), this.#waiters.filter((waiter) => !isMeant(waiter))];
    this.#waiters.splice(0, Number.POSITIVE_INFINITY, ...left);
    for (const { share } of taken) share.waiting--;
    this.#disarmIfEmpty();
    return taken;
  }

  #takeAt(index: number): Waiter<Call> | undefined {
    const waiter = index < 0 ? undefined : this.#waiters.splice(index, 1)[0];
    if (waiter !== undefined) waiter.share.waiting--;
    this.#disarmIfEmpty();
    return waiter;
  }

  #arm(dueMs: number, nowMs: number): void {
    this.#timer?.cancel();
    const delayMs = Math.max(tickMs, dueMs - nowMs);
    this.#timerDueMs = nowMs + delayMs;
    this.#timer = this.#clock.after(delayMs, () => this.#visit());
  }

  #disarmIfEmpty(): void {
    if (this.#waiters.length > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #visit(): void {
    const nowMs = this.#clock.nowMs();
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const overdue = this.takeAll(({ untilMs }) => untilMs <= nowMs);
    const nextMs = this.#waiters.reduce((least, { untilMs }) => Math.min(least, untilMs), Number.POSITIVE_INFINITY);
    if (this.#waiters.length > 0) this.#arm(nextMs, nowMs);
    for (const waiter of overdue) this.#onOverdue(waiter, nowMs);
  }
}
