/**
 * Servers of which nothing runs because nobody called: whoever put one to sleep enters it here, and a call wakes it. This is where
 * the agent and the data plane meet for it, so that a start waits for no store. Holds no calls; who waits for a server hears of it
 * from `UpstreamSet`.
 */

/** Something that sleeps until it is wanted. */
export interface Sleeper {
  /** It is wanted now; twice is once. */
  wake(): void;
}

export class IdleServers {
  readonly #sleepers = new Map<string, readonly Sleeper[]>();

  /** Whether a call would start it; also while that start is under way, until it is attached (`UpstreamSet`) or has failed. */
  isIdle(server: string): boolean {
    return this.#sleepers.has(server);
  }

  /** Starts what sleeps of the server; nothing when it is not idle. */
  wake(server: string): void {
    for (const sleeper of this.#sleepers.get(server) ?? []) sleeper.wake();
  }

  add(server: string, sleeper: Sleeper): void {
    const others = this.#sleepers.get(server) ?? [];
    if (!others.includes(sleeper)) this.#sleepers.set(server, [...others, sleeper]);
  }

  /** It runs, could not be started, or is gone. Unknown ones are ignored. */
  remove(server: string, sleeper: Sleeper): void {
    const left = (this.#sleepers.get(server) ?? []).filter((one) => one !== sleeper);
    if (left.length === 0) this.#sleepers.delete(server);
    else this.#sleepers.set(server, left);
  }
}
