/**
 * The bounded queue between those who write lines and one who reads them at its own pace. The writer never waits: when the queue is
 * full, lines are counted instead, until the reader has emptied it and was told. Several rings may feed one follower.
 */
export interface FollowerOptions<Line> {
  /** Ends the reading; what is queued is dropped. */
  readonly signal: AbortSignal;
  /** The line that says how many were missed. */
  readonly missed: (count: number) => Line;
  /** Default 1000. */
  readonly linesMax?: number;
}

const defaultLinesMax = 1_000;

export class LineFollower<Line> {
  readonly #options: FollowerOptions<Line>;
  readonly #linesMax: number;
  #queue: Line[] = [];
  #missed = 0;
  #wake: () => void = () => undefined;

  constructor(options: FollowerOptions<Line>) {
    this.#options = options;
    this.#linesMax = options.linesMax ?? defaultLinesMax;
  }

  push(line: Line): void {
    if (this.#missed > 0 || this.#queue.length >= this.#linesMax) this.#missed += 1;
    else this.#queue.push(line);
    this.#wake();
  }

  /** In the order of `push`. One reader only. */
  async *lines(): AsyncGenerator<Line, void, undefined> {
    const { signal, missed } = this.#options;
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const batch = this.#queue;
        this.#queue = [];
        for (const line of batch) {
          if (signal.aborted) return;
          yield line;
        }
        if (batch.length > 0) continue;
        if (this.#missed > 0) {
          const count = this.#missed;
          this.#missed = 0;
          yield missed(count);
          continue;
        }
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** What a reader that was too slow is told. */
export function missedText(count: number): string {
  return `… ${count === 1 ? "1 line was" : `${count} lines were`} missed: this reader was too slow`;
}
