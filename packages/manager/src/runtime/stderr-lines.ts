/**
 * What a process writes to stderr, cut into lines as it comes. Always read, whatever its rate, so that a process that writes never
 * waits for us; what goes on is bounded in length and in number.
 */
import type { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import type { LineTaker } from "./line-splitter.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { LineSink } from "./runtime.ts";

/** Bounds of what goes on. */
export interface LineBounds {
  /** Longer lines are cut. */
  readonly lineBytesMax: number;
  readonly linesPerSecond: number;
}

/** 16 KiB a line, 1000 lines a second. */
const lineBounds: LineBounds = { lineBytesMax: 16_384, linesPerSecond: 1_000 };

const windowMs = 1_000;

/** Passes the lines of `stream` on to `sink` until it ends; resolves then, or when it breaks. */
export function readLines(
  stream: Readable,
  sink: LineSink,
  clock: Clock,
  bounds: LineBounds = lineBounds,
): Promise<void> {
  const limiter = new LineLimiter(sink, clock, bounds.linesPerSecond);
  const splitter = new LineSplitter(bounds.lineBytesMax, limiter);
  return new Promise((resolve) => {
    stream.on("data", (chunk: Buffer) => splitter.push(chunk));
    stream.on("error", () => undefined);
    stream.once("close", () => {
      splitter.end();
      limiter.end();
      resolve();
    });
  });
}

/** Passes on so many lines in each second, and says in one line how many it did not. */
class LineLimiter implements LineTaker {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  readonly #linesMax: number;
  #sinceMs = -Infinity;
  #passed = 0;
  #dropped = 0;
  #timer: Timer | undefined;

  constructor(sink: LineSink, clock: Clock, linesMax: number) {
    this.#sink = sink;
    this.#clock = clock;
    this.#linesMax = linesMax;
  }

  accepts(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs >= windowMs) this.#open(nowMs);
    if (this.#passed < this.#linesMax) {
      this.#passed += 1;
      return true;
    }
    this.#dropped += 1;
    // Said even when nothing is written any more.
    this.#timer ??= this.#clock.after(windowMs, () => this.#open(this.#clock.nowMs()));
    return false;
  }

  write(line: string): void {
    this.#sink.write(line);
  }

  end(): void {
    this.#tell();
  }

  #open(nowMs: number): void {
    this.#tell();
    this.#sinceMs = nowMs;
    this.#passed = 0;
  }

  #tell(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#dropped === 0) return;
    const lines = this.#dropped === 1 ? "1 more line was" : `${this.#dropped} more lines were`;
    this.#sink.write(`… ${lines} left out: at most ${this.#linesMax} a second are kept`);
    this.#dropped = 0;
  }
}
