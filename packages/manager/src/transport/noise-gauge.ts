/**
 * Lines of a server's output that were no messages: the last few, shortened, for reports, and whether there are too many of late.
 * It judges nothing else: a noisy server goes on being read.
 */
import type { Clock } from "../base/clock.ts";

/** This many within `windowMs` is too many (a server that logs to stdout, or writes to it from two places at once). */
const linesMax = 10;
const windowMs = 10_000;

const keptLines = 5;
/** Longest line that is kept or told. */
const lineLengthMax = 500;

export class NoiseGauge {
  readonly #clock: Clock;
  readonly #recent: string[] = [];
  #windowStartMs = 0;
  #inWindow = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The last lines, oldest first. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  /** Notes a line; true when it is the one that makes them too many, at most once per window. */
  add(line: string): boolean {
    this.#recent.push(line);
    if (this.#recent.length > keptLines) this.#recent.shift();
    const nowMs = this.#clock.nowMs();
    if (this.#inWindow === 0 || nowMs - this.#windowStartMs > windowMs) {
      this.#windowStartMs = nowMs;
      this.#inWindow = 0;
    }
    return ++this.#inWindow === linesMax;
  }
}

/** The text of a line, bounded, without colours, other control characters made visible. */
export function noiseText(line: Buffer): string {
  const text = line
    .toString("utf8", 0, lineLengthMax)
    .replaceAll(/\p{Cc}\[[0-9;?]*[A-Za-z]/gu, "")
    .replaceAll(/[\p{Cc}\u2028\u2029]/gu, "\u{fffd}");
  return line.length > lineLengthMax ? `${text}…` : text;
}
