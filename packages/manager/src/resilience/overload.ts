/**
 * How short this instance is of what it needs to go on, as one of four stages, and when that is over. Thresholds and order follow
 * reliability.md 2.4 (Envoy's overload manager). A pure state machine: it measures nothing, waits for nothing and does nothing about
 * it; whoever owns the listener reads the figures, feeds them and acts on the stage.
 */

/**
 * - 0: nothing is short
 * - 1: idle connections are closed, time-outs shortened
 * - 2: also no new sessions
 * - 3: also no requests, but for administration and health
 */
export type Stage = 0 | 1 | 2 | 3;

/** How much of each is used, from 0 (nothing) to 1 (all of it). What is no number counts as 0: a broken gauge stops nobody. */
export interface Pressures {
  /** Of the heap's limit. */
  readonly heap: number;
  /** Of the file descriptors that may be open. */
  readonly fds: number;
  /** The 99th percentile of the event loop's delay, over 250 ms. */
  readonly eventLoopDelay: number;
}

/** Pressure from which on each stage holds; the place in the list is the stage. */
const entryLevels = [0, 0.85, 0.92, 0.97] as const;
/** A stage is left only so far below where it began, and only after so long: or it would come and go with each collection. */
const exitGap = 0.05;
const calmMs = 5_000;

const names: Readonly<Record<keyof Pressures, string>> = {
  heap: "heap",
  fds: "file descriptors",
  eventLoopDelay: "event loop delay",
};

export class OverloadStages {
  #stage: Stage = 0;
  #why: string | undefined;
  #calmSinceMs: number | undefined;

  get stage(): Stage {
    return this.#stage;
  }

  /** What led to the stage, in words: `heap at 93 %, stage 2 begins at 92 %`. Undefined at stage 0. */
  get why(): string | undefined {
    return this.#why;
  }

  /** Takes in the figures of this moment. Up goes at once, to whatever stage they call for; down after five seconds of calm. */
  update(pressures: Pressures, nowMs: number): Stage {
    const worst = worstOf(pressures);
    const reached = stageAt(worst.pressure, 0);
    const isCalm = reached < this.#stage && stageAt(worst.pressure, exitGap) < this.#stage;
    if (!isCalm) this.#calmSinceMs = undefined;
    if (reached > this.#stage) this.#enter(reached, worst);
    else if (isCalm) {
      this.#calmSinceMs ??= nowMs;
      if (nowMs - this.#calmSinceMs >= calmMs) this.#enter(stageAt(worst.pressure, exitGap), worst);
    }
    return this.#stage;
  }

  #enter(stage: Stage, worst: Worst): void {
    this.#stage = stage;
    this.#calmSinceMs = undefined;
    const level = entryLevels[stage] * 100;
    this.#why =
      stage === 0
        ? undefined
        : `${names[worst.what]} at ${Math.round(worst.pressure * 100)} %, stage ${stage} begins at ${level} %`;
  }
}

interface Worst {
  readonly what: keyof Pressures;
  readonly pressure: number;
}

function worstOf(pressures: Pressures): Worst {
  let worst: Worst = { what: "heap", pressure: 0 };
  for (const what of ["heap", "fds", "eventLoopDelay"] as const) {
    if (pressures[what] > worst.pressure) worst = { what, pressure: pressures[what] };
  }
  return worst;
}

/** The highest stage whose level, lowered by `gap`, is reached. */
function stageAt(pressure: number, gap: number): Stage {
  for (const stage of [3, 2, 1] as const) if (pressure >= entryLevels[stage] - gap) return stage;
  return 0;
}
