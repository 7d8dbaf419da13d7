/**
 * Processes of one replica that were started and told nothing yet, so that they fit any client: opening one takes milliseconds where
 * a start takes a second. One that is taken is replaced at once, one that dies with growing pauses, and for neither does the server
 * fail. They are started in turn with everything else on this instance, and end with the run.
 */
import { type BackoffRule, backoffMs } from "../base/backoff.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Semaphore } from "../base/semaphore.ts";
import type { Spares as PoolSpares } from "../upstream/leases.ts";
import { RunFailure } from "./failure.ts";
import type { AnotherConnection, StartedCopy } from "./run.ts";
import type { SpareBudget, SpareHolder } from "./spare-budget.ts";
import { openInTurn } from "./start-place.ts";

export interface SparesOptions {
  /** How many, where there is room. */
  readonly count: number;
  readonly budget: SpareBudget;
  readonly start: (signal: AbortSignal) => Promise<StartedCopy>;
  readonly clock: Clock;
  readonly random: Random;
  /** Bounds what is being started at once on this instance. */
  readonly starts: Semaphore;
}

/** A process loads for about a second; meanwhile it has its place among those that are being started. */
const loadMs = 1_000;
const restartBackoff: BackoffRule = { baseMs: 1_000, capMs: 60_000 };
/** After so many died in a row unused, no more are started until one is wanted. */
const deathsMax = 5;

export class Spares implements PoolSpares, SpareHolder {
  readonly #options: SparesOptions;
  readonly #ready: Promise<StartedCopy>[] = [];
  readonly #lives = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #room = 0;
  #deaths = 0;
  #pause: Timer | undefined;
  #wasUsed = false;

  constructor(options: SparesOptions) {
    this.#options = options;
  }

  get wanted(): number {
    return this.#options.count;
  }

  get count(): number {
    return this.#ready.length;
  }

  fill(room: number): void {
    this.#room = room;
    this.#fill();
  }

  /**
   * Opens one of them for these capabilities; undefined when there is none, or it died before it was opened. Rejects when its server
   * refuses, or when it was given up; then nothing of it is left.
   */
  async open(
    capabilities: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<AnotherConnection | undefined> {
    const { budget } = this.#options;
    const taken = this.#ready.shift();
    this.#wasUsed = true;
    budget.used(this);
    if (taken !== undefined) budget.release(this);
    const copy = await taken?.catch(() => undefined);
    if (copy === undefined) return undefined;
    if (signal.aborted) await copy.end();
    signal.throwIfAborted();
    try {
      const opened = await copy.open(capabilities, signal);
      this.#deaths = 0;
      return opened;
    } catch (error) {
      // One that ended by itself may have been dying for a while: that says nothing of the next.
      if (!signal.aborted && error instanceof RunFailure && error.exit !== undefined) return undefined;
      throw error;
    }
  }

  yieldOne(): boolean {
    const spare = this.#ready.pop();
    if (spare === undefined) return false;
    this.#options.budget.release(this);
    void spare.then((copy) => copy.end()).catch(() => undefined);
    return true;
  }

  /** Resolves when nothing of them is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#pause?.cancel();
    while (this.yieldOne());
    this.#options.budget.forget(this);
    await Promise.all(this.#lives);
  }

  #fill(): void {
    const { count, budget } = this.#options;
    if (this.#closing.signal.aborted || this.#pause !== undefined) return;
    const wanted = Math.min(count, this.#room);
    while (this.#ready.length > wanted) this.yieldOne();
    if (this.#deaths >= deathsMax && !this.#wasUsed) return;
    while (this.#ready.length < wanted && budget.claim(this, this.#wasUsed)) this.#startOne();
    this.#wasUsed = false;
  }

  #startOne(): void {
    const { clock, start } = this.#options;
    const { signal } = this.#closing;
    const { promise, resolve, reject } = Promise.withResolvers<StartedCopy>();
    const life = openInTurn(this.#options, signal, async () => {
      const copy = await start(signal);
      resolve(copy);
      await Promise.race([copy.gone, clock.sleep(loadMs, signal).catch(() => undefined)]);
      return copy;
    })
      .then(({ gone }) => gone)
      .then(
        () => undefined,
        (error: unknown) => reject(error),
      )
      .then(() => {
        this.#lives.delete(life);
        this.#onGone(promise);
      });
    this.#lives.add(life);
    this.#ready.push(promise);
    // Whoever takes it hears why it did not start.
    promise.catch(() => undefined);
  }

  /** Whatever was taken or yielded is not among the spares any more; what is left there died. */
  #onGone(spare: Promise<StartedCopy>): void {
    const at = this.#ready.indexOf(spare);
    if (at < 0) return;
    const { budget, clock, random } = this.#options;
    void this.#ready.splice(at, 1);
    budget.release(this);
    if (this.#closing.signal.aborted) return;
    this.#pause ??= clock.after(Math.max(1, backoffMs(restartBackoff, this.#deaths, random)), () => {
      this.#pause = undefined;
      this.#fill();
    });
    this.#deaths++;
  }
}
