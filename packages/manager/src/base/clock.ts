/**
 * Time as a value that is passed in. This file and `random.ts` are the only places that touch the real clock, real timers
 * and real randomness; everything else takes a `Clock`, so that tests own time.
 */

/** A pending timer; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with a fraction; the origin means nothing. For intervals, deadlines, ages. */
  nowMs(): number;
  /** Wall-clock milliseconds since the epoch. For what people read (timestamps), never for intervals. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now. The timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Resolves `delayMs` from now, or rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The real clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};

function sleepOn(clock: Pick<Clock, "after">, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** A clock that moves only when told to; timers fire in due order while it is advanced. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #epochMs: number;
  readonly #timers = new Set<{ dueMs: number; run: () => void }>();

  constructor(epochMs = 1_700_000_000_000) {
    this.#epochMs = epochMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#epochMs + this.#nowMs;
  }

  /** Somebody sets the wall clock; the time that passes is the same. */
  stepWall(deltaMs: number): void {
    this.#epochMs += deltaMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = { dueMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Moves time forward, firing what falls due on the way, and lets promises settle after each firing. */
  async advance(deltaMs: number): Promise<void> {
    const endMs = this.#nowMs + deltaMs;
    for (;;) {
      const next = [...this.#timers].filter((t) => t.dueMs <= endMs).toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = next.dueMs;
      next.run();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#nowMs = endMs;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** How many timers are waiting; a suite's leak check. */
  get pendingCount(): number {
    return this.#timers.size;
  }
}
