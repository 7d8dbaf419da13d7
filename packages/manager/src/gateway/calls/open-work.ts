/**
 * What was begun at each revision and goes on in later requests, as far as this instance has seen it: tasks, and calls whose modern client
 * was asked for something. A revision that drains is waited for until all of it is over, or its time is. Knows no clients.
 */
import type { Clock } from "../../base/clock.ts";

/** One thing of one kind: where it was begun, and its id there. */
export interface WorkPlace {
  readonly server: string;
  readonly revision: string;
  readonly id: string;
}

/** Beyond this the oldest are forgotten. */
const workMax = 10_000;
/** What does not say how long it may take is waited for no longer than this. */
const workMsDefault = 10 * 60_000;

interface Open {
  readonly server: string;
  readonly revision: string;
  readonly untilMs: number;
}

/** Work of one kind. */
export class OpenWork {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `forMs`: how long it may take; by default ten minutes. */
  began(place: WorkPlace, forMs: number = workMsDefault): void {
    const { server, revision } = place;
    this.#open.set(keyOf(place), { server, revision, untilMs: this.#clock.nowMs() + forMs });
    const [oldest] = this.#open.keys();
    if (this.#open.size > workMax && oldest !== undefined) this.#open.delete(oldest);
  }

  /** It was seen to be under way; counted from now on, unless it is already. */
  goesOn(place: WorkPlace, forMs?: number): void {
    if (!this.#open.has(keyOf(place))) this.began(place, forMs);
  }

  ended(place: WorkPlace): void {
    this.#open.delete(keyOf(place));
  }

  /** How much of it is under way at a revision. */
  at(server: string, revision: string): number {
    const nowMs = this.#clock.nowMs();
    let count = 0;
    for (const [key, one] of this.#open) {
      if (one.untilMs <= nowMs) this.#open.delete(key);
      else if (one.server === server && one.revision === revision) count++;
    }
    return count;
  }
}

function keyOf({ server, revision, id }: WorkPlace): string {
  return `${server} ${revision} ${id}`;
}
