/** A bound on how many things happen at once; who waits is served in order. */

/** Gives the place back; twice is once. */
export type Release = () => void;

interface Waiter {
  grant(): void;
}

export class Semaphore {
  readonly #waiters: Waiter[] = [];
  #free: number;

  /** `places` is at least 1. */
  constructor(places: number) {
    this.#free = Math.max(1, places);
  }

  /** Resolves when there is a place; rejects with the signal's reason when it is aborted before. */
  async acquire(signal?: AbortSignal): Promise<Release> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#waiters.shift();
      if (next === undefined) this.#free++;
      else next.grant();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        grant() {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#waiters.push(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
