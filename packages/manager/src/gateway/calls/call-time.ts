/**
 * The time that one call has: its deadline, which stands still while its client thinks about a question, and the signs of life in
 * between. One entry of the timer wheel at a time.
 */
import type { Clock } from "../../base/clock.ts";
import type { Deadline, TimerWheel } from "../../base/timer-wheel.ts";

/** Who is told. */
export interface CallTimeHost {
  /** The caller has waited for a while. */
  onStillWaiting(): void;
  /** The time is up: the call's own, or (`wasAsked`) that of a client to answer a question. */
  onTimeUp(wasAsked: boolean): void;
}

/** A caller that takes events gets a comment this often while it waits, so that nothing on the way takes the call for dead. */
const keepAliveMs = 15_000;
/** How long a person may think about a question, in milliseconds. */
export const answerMsMax = 600_000;

export class CallTime {
  readonly #wheel: TimerWheel;
  readonly #clock: Clock;
  readonly #host: CallTimeHost;
  #deadline: Deadline | undefined;
  #dueMs = 0;
  /** What was left when the client was asked; undefined while the time runs. */
  #leftMs: number | undefined;

  constructor(wheel: TimerWheel, clock: Clock, host: CallTimeHost) {
    this.#wheel = wheel;
    this.#clock = clock;
    this.#host = host;
  }

  /** When it is up, as it runs now. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Begins, or begins anew; times are monotonic. The first sign of life comes after `firstSignMs`. */
  begin(nowMs: number, dueMs: number, firstSignMs: number = keepAliveMs): void {
    this.#leftMs = undefined;
    this.#arm(nowMs, dueMs, firstSignMs);
  }

  /** Stands still, but not for ever. */
  hold(): void {
    if (this.#leftMs !== undefined) return;
    const nowMs = this.#clock.nowMs();
    this.#leftMs = Math.max(0, this.#dueMs - nowMs);
    this.#arm(nowMs, nowMs + answerMsMax);
  }

  /** Runs on with what was left. */
  goOn(): void {
    if (this.#leftMs === undefined) return;
    const nowMs = this.#clock.nowMs();
    this.begin(nowMs, nowMs + this.#leftMs);
  }

  stop(): void {
    if (this.#deadline !== undefined) this.#wheel.cancel(this.#deadline);
  }

  #arm(nowMs: number, dueMs: number, signMs: number = keepAliveMs): void {
    this.stop();
    this.#dueMs = dueMs;
    this.#deadline = this.#wheel.schedule(nowMs, Math.min(dueMs - nowMs, signMs), () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#dueMs) return this.#host.onTimeUp(this.#leftMs !== undefined);
    this.#host.onStillWaiting();
    this.#arm(nowMs, this.#dueMs);
  }
}
