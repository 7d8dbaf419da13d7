/**
 * What one run offers, known for as long as it serves: asked once it is ready, again when its server said that a list changed and has
 * been quiet about it for a second, and again after a pause when an answer did not come. The first answer is what its revision is
 * remembered by, if nothing is yet; the last one is the replica's. Tells nobody of a difference: the gateway does, and a deployment's gate.
 */
import { ManagerError } from "@mcp-manager/api";
import { type BackoffRule, backoffMs } from "../base/backoff.ts";
import type { Timer } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type AskCatalogueOptions, askCatalogue, type Offer } from "./catalogue.ts";

export interface CatalogueWatchOptions extends Omit<AskCatalogueOptions, "notBeforeMs"> {
  readonly random: Random;
  /**
   * Keeps it as what the revision offers, unless something is kept; true when it was kept. Rejects when that cannot be said now, and
   * is asked again.
   */
  readonly keep: (offer: Offer) => Promise<boolean>;
  /** Hears the digest of what is offered now. */
  readonly onDigest: (digest: string) => void;
}

/** What changes is looked at when it has been quiet for so long: the gateway asks once a second meanwhile, and that is often enough. */
const quietMs = 1_000;
/** A server that says all the time that a list changed is asked so often. */
const restlessMs = 30_000;
const retryBackoff: BackoffRule = { baseMs: 1_000, capMs: 60_000 };
/** A list that was answered with an error so often is taken for one that the server does not have. */
const refusalsMax = 4;

export class CatalogueWatch implements Disposable {
  readonly #options: CatalogueWatchOptions;
  #timer: Timer | undefined;
  #isAsking = false;
  /** The first and the last change since it was asked. */
  #changedFirstMs: number | undefined;
  #changedLastMs = Number.NEGATIVE_INFINITY;
  #isKept = false;
  #isOver = false;
  #failures = 0;
  #refusals = 0;

  /** Asks at once. */
  constructor(options: CatalogueWatchOptions) {
    this.#options = options;
    void this.#ask();
  }

  /** Its server says that a list changed, or may have forgotten what it was. */
  changed(): void {
    this.#changedLastMs = this.#options.clock.nowMs();
    this.#changedFirstMs ??= this.#changedLastMs;
    if (!this.#isOver && !this.#isAsking) this.#askAfter(quietMs);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #askAfter(delayMs: number): void {
    this.#timer ??= this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#onTime();
    });
  }

  #onTime(): void {
    const nowMs = this.#options.clock.nowMs();
    const isRestless = nowMs - (this.#changedFirstMs ?? nowMs) >= restlessMs;
    const leftMs = this.#changedFirstMs === undefined || isRestless ? 0 : this.#changedLastMs + quietMs - nowMs;
    if (leftMs > 0) this.#askAfter(leftMs);
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    const { random } = this.#options;
    this.#isAsking = true;
    this.#changedFirstMs = undefined;
    const pauseMs = await this.#answered().catch((error: unknown) => ManagerError.from(error).retryAfterMs ?? 0);
    this.#isAsking = false;
    if (this.#isOver) return;
    if (pauseMs !== undefined)
      return this.#askAfter(Math.max(pauseMs, backoffMs(retryBackoff, this.#failures++, random)));
    this.#failures = 0;
    if (this.#changedFirstMs !== undefined) this.#askAfter(quietMs);
  }

  /** How long it is to be left alone at least before it is asked again; undefined when there is nothing left to ask. */
  async #answered(): Promise<number | undefined> {
    const { keep, onDigest } = this.#options;
    let offer = await askCatalogue({ ...this.#options, notBeforeMs: this.#changedLastMs });
    if (offer.refused.length > 0 && ++this.#refusals < refusalsMax) return 0;
    if (!this.#isKept && !this.#isOver) {
      // The first of its revision has none to be compared with but itself: lists that are others each time are seen by that.
      const isFirst = await keep(offer);
      this.#isKept = true;
      if (isFirst) offer = await askCatalogue({ ...this.#options, notBeforeMs: this.#options.clock.nowMs() });
    }
    if (!this.#isOver) onDigest(offer.digest);
    return undefined;
  }
}
