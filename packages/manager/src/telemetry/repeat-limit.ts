/**
 * How often the same thing may be said. A part that fails in a loop writes its line some times, then once per window with the
 * count of what was left out. Needs no timer: windows are looked at when something is said.
 */
import type { Clock } from "../base/clock.ts";

/** Whether to write; `dropped` equal lines were left out since the last one written. */
export type Admission = { readonly kind: "write"; readonly dropped: number } | { readonly kind: "drop" };

interface Window {
  startMs: number;
  count: number;
  dropped: number;
}

/** Long enough that a loop shows, short enough that one sees it end. */
const windowMs = 10_000;
const perWindow = 20;
/** Texts remembered at most; when there are more, all counts start anew. */
const keysMax = 1_000;

export class RepeatLimit {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one saying of `key`. */
  admit(key: string): Admission {
    const nowMs = this.#clock.nowMs();
    const window = this.#windows.get(key);
    if (window === undefined) return this.#open(key, nowMs);
    if (nowMs - window.startMs >= windowMs) {
      const { dropped } = window;
      Object.assign(window, { startMs: nowMs, count: 1, dropped: 0 });
      return { kind: "write", dropped };
    }
    window.count += 1;
    if (window.count <= perWindow) return { kind: "write", dropped: 0 };
    window.dropped += 1;
    return { kind: "drop" };
  }

  #open(key: string, nowMs: number): Admission {
    if (this.#windows.size >= keysMax) this.#windows.clear();
    this.#windows.set(key, { startMs: nowMs, count: 1, dropped: 0 });
    return { kind: "write", dropped: 0 };
  }
}
