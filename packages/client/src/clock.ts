/** Time and chance as the client needs them, so that a test, or a page with its own timers, can pass others. Two small ports, no more. */

/** Intervals and timers. */
export interface ClientClock {
  /** Monotonic milliseconds; the origin means nothing. */
  nowMs(): number;
  /** Calls `run` once, `delayMs` from now, unless it is cancelled before. */
  after(delayMs: number, run: () => void): { cancel(): void };
}

/** The real one. Its timers keep a Node process alive: whoever waits for an answer wants it. */
export const systemClock: ClientClock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves `delayMs` from now, or rejects with the signal's reason when it aborts first. */
export function sleep(clock: ClientClock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
