/**
 * The last lines that one replica wrote, over all its restarts: redacted, stamped, bounded in bytes. In memory only; what falls off
 * the end is gone.
 */
import type { Clock } from "../base/clock.ts";
import type { Unsubscribe } from "../base/watched.ts";
import type { LineSink } from "./runtime.ts";

/** One line as it is kept. */
export interface RingLine {
  /** RFC 3339. */
  readonly at: string;
  /** Redacted, without the line's end. */
  readonly text: string;
}

export interface LogRingOptions {
  readonly clock: Clock;
  /** Masks secrets, before anything is kept. */
  readonly redact: (text: string) => string;
  /** Default 1 MiB. */
  readonly bytesMax?: number;
}

interface Kept {
  readonly wallMs: number;
  readonly text: string;
  readonly bytes: number;
}

const defaultBytesMax = 1024 * 1024;
/** What a line costs beside its text, so that empty lines are bounded too. */
const lineBytes = 64;

export class LogRing implements LineSink {
  readonly #options: LogRingOptions;
  readonly #bytesMax: number;
  readonly #lines: Kept[] = [];
  readonly #listeners = new Set<(line: RingLine) => void>();
  #bytes = 0;

  constructor(options: LogRingOptions) {
    this.#options = options;
    this.#bytesMax = options.bytesMax ?? defaultBytesMax;
  }

  write(line: string): void {
    const text = this.#options.redact(line);
    const kept: Kept = { wallMs: this.#options.clock.wallMs(), text, bytes: Buffer.byteLength(text) + lineBytes };
    this.#lines.push(kept);
    this.#bytes += kept.bytes;
    while (this.#bytes > this.#bytesMax) this.#bytes -= this.#lines.shift()?.bytes ?? this.#bytes;
    if (this.#listeners.size === 0) return;
    const shown = show(kept);
    for (const listener of [...this.#listeners]) listener(shown);
  }

  /** The last `count` lines, oldest first. */
  tail(count: number): readonly RingLine[] {
    return count <= 0 ? [] : this.#lines.slice(-count).map(show);
  }

  /** Calls `listener` for each new line, in the turn in which it is written; for readers of several rings. */
  onLine(listener: (line: RingLine) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

function show({ wallMs, text }: Pick<Kept, "wallMs" | "text">): RingLine {
  return { at: new Date(wallMs).toISOString(), text };
}
