/**
 * What probes of one run add up to: bad ones in a row take it out of the rotation, as many again say that it will not come back, good
 * ones put it in again. Counts, and nothing else: no clock, no connection. Pure.
 *
 *   fit ── `failures` bad in a row ──▶ unfit ── `failures` more in a row ──▶ lost
 *    ▲                                  │  ▲                                  │
 *    └──── `successes` good in a row ───┘  └──────────── a good one ──────────┘
 */

/** `fit`: may take calls. `unfit`: takes none, and may recover. `lost`: should be ended and started again. */
export type Verdict = "fit" | "unfit" | "lost";

/** How many it takes, each at least 1. Read with every probe, so that a change holds at once. */
export interface JudgeRules {
  readonly failures: number;
  readonly successes: number;
}

export class HealthJudge {
  #verdict: Verdict = "fit";
  #bad = 0;
  #good = 0;

  get verdict(): Verdict {
    return this.#verdict;
  }

  good({ successes }: JudgeRules): void {
    this.#bad = 0;
    if (this.#verdict === "fit") return;
    this.#good += 1;
    this.#verdict = this.#good >= successes ? "fit" : "unfit";
    if (this.#verdict === "fit") this.#good = 0;
  }

  bad({ failures }: JudgeRules): void {
    this.#good = 0;
    this.#bad += 1;
    if (this.#verdict === "lost" || this.#bad < failures) return;
    this.#verdict = this.#verdict === "fit" ? "unfit" : "lost";
    this.#bad = 0;
  }

  /** It has said something unasked: it may still come to itself, so the count of bad ones begins again. */
  sign(): void {
    this.#bad = 0;
    if (this.#verdict === "lost") this.#verdict = "unfit";
  }
}
