/**
 * SIGINT and SIGTERM as two asks: the first to stop, the second to be quick about it. SIGHUP asks to read the configuration again,
 * unless it is the terminal's last word: whoever closed it has ended the manager.
 */
import { closeSync, openSync } from "node:fs";
import type { Clock } from "./base/clock.ts";

/**
 * Signals within this time of the first are the same ask: a terminal's Ctrl-C reaches the whole foreground group, and whoever
 * started the manager passes it on once more.
 */
const sameAskMs = 1_000;
const signals = ["SIGINT", "SIGTERM"] as const;

export interface StopSignalsOptions {
  readonly clock: Clock;
  /** Whether it is run in a terminal, which then may go. */
  readonly isInTerminal: boolean;
  /** Whether that terminal is still there. Default: the process is asked. */
  readonly hasTerminal?: () => boolean;
}

export class StopSignals implements Disposable {
  /** Resolves at the first signal. */
  readonly first: Promise<void>;
  /** Called at every further one. */
  onAgain: () => void = () => undefined;
  /** Called at every SIGHUP that does not mean to stop. */
  onHangUp: () => void = () => undefined;
  readonly #heard: () => void;
  readonly #hungUp: () => void;

  /** Listens from here on. */
  constructor({ clock, isInTerminal, hasTerminal = canOpenTerminal }: StopSignalsOptions) {
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
    this.#hungUp = () => {
      if (isInTerminal && !hasTerminal()) this.#heard();
      else this.onHangUp();
    };
    for (const signal of signals) process.on(signal, this.#heard);
    process.on("SIGHUP", this.#hungUp);
  }

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#heard);
    process.off("SIGHUP", this.#hungUp);
  }
}

/** A process whose terminal was closed has none any more. */
function canOpenTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
