/**
 * The queue between an informer and a reconcile loop (the four promises of client-go's workqueue): fair, deduplicating,
 * a key added while it is processed is processed again, and a shutdown that waits for the one in hand. One worker.
 */
import type { BackoffRule } from "./backoff.ts";
import { backoffMs } from "./backoff.ts";
import type { Clock, Timer } from "./clock.ts";
import type { Random } from "./random.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Handles one key. A throw puts the key back after a back-off. A returned number asks to see the key again in so many ms. */
  readonly work: (key: string) => Promise<number | void>;
  /** Hears every failure; the key is retried all the same. */
  readonly onError: (key: string, error: unknown) => void;
  /** Default: 100 ms doubling to 30 s. */
  readonly backoff?: BackoffRule;
  /** Keys handled at once; different keys only. Default 1. */
  readonly workers?: number;
}

export class WorkQueue implements AsyncDisposable {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, Timer>();
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Asks for `key` to be worked on; many asks before it starts are one. */
  add(key: string): void {
    if (this.#closed) return;
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
    if (this.#running.has(key)) this.#dirty.add(key);
    else this.#waiting.add(key);
    this.#start();
  }

  /** Asks for `key` after a delay; an earlier ask replaces a later one's timer. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed || this.#waiting.has(key)) return;
    this.#delayed.get(key)?.cancel();
    this.#delayed.set(
      key,
      this.#options.clock.after(delayMs, () => this.add(key)),
    );
  }

  /** Takes no more keys, drops the waiting ones, and resolves when the one in hand is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    for (const timer of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #start(): void {
    for (const key of this.#waiting) {
      if (this.#closed || this.#running.size >= (this.#options.workers ?? 1)) return;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    let againMs: number | undefined;
    try {
      againMs = (await this.#options.work(key)) ?? undefined;
      this.#failures.delete(key);
    } catch (error) {
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      againMs = backoffMs(this.#options.backoff ?? { baseMs: 100, capMs: 30_000 }, failures, this.#options.random);
      if (!this.#closed) this.#options.onError(key, error);
    }
    this.#running.delete(key);
    if (this.#closed) {
      if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    if (this.#dirty.delete(key)) this.#waiting.add(key);
    else if (againMs !== undefined) this.addAfter(key, againMs);
    this.#start();
  }
}
