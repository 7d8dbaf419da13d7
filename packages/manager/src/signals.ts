/** SIGINT and SIGTERM as two asks: the first to stop, the second to be quick about it. */
import type { Clock } from "./base/clock.ts";

/**
 * Signals within this time of the first are the same ask: a terminal's Ctrl-C reaches the whole foreground group, and whoever
 * started the manager passes it on once more.
 */
const sameAskMs = 1_000;
const signals = ["SIGINT", "SIGTERM"] as const;

export class StopSignals implements Disposable {
  /** Resolves at the first signal. */
  readonly first: Promise<void>;
  /** Called at every further one. */
  onAgain: () => void = () => undefined;
  readonly #heard: () => void;

  /** Listens from here on. */
  constructor(clock: Clock) {
    const first = Promise.withResolvers<void>();
    this.first = first.promise;
    let firstMs: number | undefined;
    this.#heard = () => {
      const nowMs = clock.nowMs();
      if (firstMs === undefined) {
        firstMs = nowMs;
        first.resolve();
      } else if (nowMs - firstMs > sameAskMs) this.onAgain();
    };
    for (const signal of signals) process.on(signal, this.#heard);
  }

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#heard);
  }
}
