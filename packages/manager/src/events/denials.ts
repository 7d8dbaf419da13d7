/**
 * That somebody was refused, as events: the first of each second one each, the others as a number with the next. Whoever tries keys
 * by the thousand fills the audit, not the stream.
 */
import type { Clock } from "../base/clock.ts";
import type { EventSink } from "./event.ts";

/** What is told of a refusal; an entry of the audit is one. */
export interface Denial {
  /** Absent when the credential was refused. */
  readonly who?: string;
  readonly action: string;
  readonly target?: string;
  readonly reason?: string;
  readonly address?: string;
}

/** Events in one second. */
const burst = 10;
const windowMs = 1_000;

export class Denials {
  readonly #events: EventSink;
  readonly #clock: Clock;
  #windowEndMs = 0;
  #told = 0;
  #untold = 0;

  constructor(events: EventSink, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  /** Tells of it, or counts it. */
  denied({ who, action, target, reason, address }: Denial): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#windowEndMs) {
      this.#windowEndMs = nowMs + windowMs;
      this.#told = 0;
    }
    if (this.#told >= burst) return void (this.#untold += 1);
    this.#told += 1;
    const [, server] = /^servers\/([^/]+)/.exec(target ?? "") ?? [];
    const what = `${action}${target === undefined ? "" : ` ${target}`}`;
    this.#events.publish({
      topic: "access.denied",
      ...(server === undefined ? {} : { server }),
      message: `${who ?? "somebody without a good credential"} was refused ${what}${reason === undefined ? "" : `: ${reason}`}`,
      severity: "warning",
      data: {
        action,
        ...(who === undefined ? {} : { who }),
        ...(reason === undefined ? {} : { reason }),
        ...(address === undefined ? {} : { address }),
        ...(this.#untold === 0 ? {} : { untold: this.#untold }),
      },
    });
    this.#untold = 0;
  }
}
