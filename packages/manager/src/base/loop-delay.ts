/**
 * How late the event loop was lately. A histogram of the platform's drops the first pause after each reset, which is the whole of it
 * when the loop is held up without a break; so there are two, started over in turns. It measures, and judges nothing.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

type Sampled = ReturnType<typeof monitorEventLoopDelay>;

/** A sample every 20 ms costs nothing that could be measured and finds every stall that a caller would notice. */
const resolutionMs = 20;

/** Samples until it is disposed of. */
export class LoopDelay implements Disposable {
  #current: Sampled = sampling();
  #next: Sampled = sampling();

  /**
   * The quantiles (0 to 1) of how late the loop was since the look before the last, in milliseconds; 0 where nothing was measured.
   * A pause is in two looks, so that none is in no look.
   */
  look(quantiles: readonly number[]): readonly number[] {
    const looked = this.#current;
    const lateMs = quantiles.map((quantile) => {
      const delayMs = looked.count === 0 ? 0 : looked.percentile(quantile * 100) / 1e6;
      return Math.max(0, delayMs - resolutionMs);
    });
    looked.reset();
    this.#current = this.#next;
    this.#next = looked;
    return lateMs;
  }

  [Symbol.dispose](): void {
    this.#current.disable();
    this.#next.disable();
  }
}

function sampling(): Sampled {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  return histogram;
}
