/**
 * Notices that nobody has called a server for a while, by looking at its use now and then: no timer and no note per call. What is
 * done about it is the runner's.
 */
import type { Clock } from "../base/clock.ts";
import type { Deadline, TimerWheel } from "../base/timer-wheel.ts";

/** What the data plane has to do with a server. */
export interface ServerUse {
  /** Calls in flight or waiting, and subscriptions of clients: while there are any, it is in use. */
  readonly pending: number;
  /** Calls that came so far: when it has grown, it was in use in between. */
  readonly entered: number;
}

export interface IdleWatchOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Without use for so long it is idle, in milliseconds; undefined: it is to run all the time. Read at each look. */
  readonly idleAfterMs: () => number | undefined;
  readonly use: () => ServerUse;
  /** Called once. */
  readonly onIdle: () => void;
}

/** A use is noticed at most this late, and a quarter of the time without use, whichever is less. */
const lookMsMax = 15_000;

export class IdleWatch implements Disposable {
  readonly #options: IdleWatchOptions;
  #usedMs: number;
  #entered: number;
  #look: Deadline | undefined;

  /** The start counts as a use. */
  constructor(options: IdleWatchOptions) {
    this.#options = options;
    this.#usedMs = options.clock.nowMs();
    this.#entered = options.use().entered;
    this.#lookLater();
  }

  /** The time may have changed. */
  rulesChanged(): void {
    this.#lookLater();
  }

  [Symbol.dispose](): void {
    if (this.#look !== undefined) this.#options.wheel.cancel(this.#look);
  }

  #onLook(): void {
    const { clock, use, idleAfterMs, onIdle } = this.#options;
    const nowMs = clock.nowMs();
    const { pending, entered } = use();
    if (pending > 0 || entered !== this.#entered) this.#usedMs = nowMs;
    this.#entered = entered;
    const afterMs = idleAfterMs();
    if (afterMs !== undefined && nowMs - this.#usedMs >= afterMs) onIdle();
    else this.#lookLater();
  }

  #lookLater(): void {
    this[Symbol.dispose]();
    const { clock, wheel, idleAfterMs } = this.#options;
    const afterMs = idleAfterMs();
    if (afterMs === undefined) return;
    const nowMs = clock.nowMs();
    const leftMs = this.#usedMs + afterMs - nowMs;
    this.#look = wheel.schedule(nowMs, Math.max(0, Math.min(leftMs, afterMs / 4, lookMsMax)), () => this.#onLook());
  }
}
