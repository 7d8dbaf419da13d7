/**
 * What each server did in the last ten seconds, as an event: one for each that was asked something, and one more, all zero, when it is
 * asked nothing any more. Counts nothing itself.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { EventSink } from "../../events/event.ts";
import type { CallMetrics, CallTally } from "./call-metrics.ts";

export interface CallSamplesOptions {
  readonly metrics: Pick<CallMetrics, "take">;
  readonly events: EventSink;
  readonly clock: Clock;
}

const everyMs = 10_000;
const nothing: CallTally = { requests: 0, failures: 0, errors: 0, refused: 0, durationMs: 0 };

export class CallSamples implements Disposable {
  readonly #options: CallSamplesOptions;
  #busy: ReadonlySet<string> = new Set();
  #timer: Timer;

  constructor(options: CallSamplesOptions) {
    this.#options = options;
    this.#timer = options.clock.after(everyMs, () => this.#sample());
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #sample(): void {
    const tallies = new Map(this.#options.metrics.take());
    // What the gateway answers itself is no server's.
    tallies.delete("");
    for (const [server, tally] of tallies) this.#tell(server, tally);
    for (const server of this.#busy) if (!tallies.has(server)) this.#tell(server, nothing);
    this.#busy = new Set(tallies.keys());
    this.#timer = this.#options.clock.after(everyMs, () => this.#sample());
  }

  #tell(server: string, { requests, failures, errors, refused, durationMs }: CallTally): void {
    const meanMs = requests === 0 ? undefined : Math.round((durationMs / requests) * 10) / 10;
    const bad = failures === 0 ? "" : `, ${failures} failed`;
    this.#options.events.publish({
      topic: "metric.sample",
      server,
      message: `${requests} requests in 10 s${bad}${meanMs === undefined ? "" : `, ${meanMs} ms each`}`,
      severity: "info",
      data: { requests, failures, errors, refused, ...(meanMs === undefined ? {} : { meanMs }) },
    });
  }
}
