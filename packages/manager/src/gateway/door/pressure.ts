/**
 * How much of its heap, its descriptors and its time this process has used up, as the stages of overload take it. It measures, and
 * knows nothing of what follows.
 */
import { getHeapStatistics } from "node:v8";
import { LoopDelay } from "../../base/loop-delay.ts";
import type { Pressures } from "../../resilience/overload.ts";
import { descriptorsOpen } from "./descriptors.ts";

/** Where the figures come from; read about once a second. */
export interface PressureSource extends Disposable {
  read(): Pressures;
}

/** The delay at which the event loop counts as fully used (reliability.md 2.4). */
const delayMsMax = 250;

/** This process. `limit` is how many descriptors it may have open; undefined: they are not watched. */
export function processPressure(limit: number | undefined): PressureSource {
  const delay = new LoopDelay();
  let smooth = 0;
  return {
    read() {
      const { used_heap_size: used, heap_size_limit: heapMax } = getHeapStatistics();
      const [lateMs = 0] = delay.look([0.99]);
      smooth = smoothed(smooth, lateMs / delayMsMax);
      return {
        heap: used / heapMax,
        fds: limit === undefined ? 0 : descriptorsOpen(limit) / limit,
        eventLoopDelay: smooth,
      };
    },
    [Symbol.dispose]: () => delay[Symbol.dispose](),
  };
}

/** Of the newest figure, the rest stays: within a second, one long pause is the 99th percentile. */
const share = 0.2;
/** One pause of minutes (a suspended machine) counts as much as one of 300 ms. */
const pressureMax = 1.25;

/**
 * The next value of a pressure that comes and goes: it takes seconds of it, one after the other, to get anywhere. At one figure a
 * second the first stage comes after 6 s of a loop that is held up all the time.
 */
export function smoothed(before: number, now: number): number {
  return before + share * (Math.min(pressureMax, Math.max(0, now)) - before);
}
