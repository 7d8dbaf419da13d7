/**
 * Answers that go on end when no key stands any more for whoever asked: revoked, expired or with other roles. Looked at as often as MCP
 * streams are. It decides nothing about calls that end by themselves.
 */
import type { Principal } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";

/** What says so. */
export interface Vouching {
  readonly clock: Clock;
  /** Whether some key that is good now stands for this principal and its roles. */
  isGood(principal: Principal): boolean;
}

const lookMs = 15_000;

export class Vouched implements Disposable {
  /** Aborts with whoever asked, or with the key. */
  readonly signal: AbortSignal;
  readonly #vouching: Vouching;
  readonly #principal: Principal;
  readonly #over = new AbortController();
  #timer: Timer;

  /** Looks from here on. */
  constructor(vouching: Vouching, principal: Principal, signal: AbortSignal) {
    this.#vouching = vouching;
    this.#principal = principal;
    this.signal = AbortSignal.any([signal, this.#over.signal]);
    this.#timer = this.#next();
  }

  /** Throws `unauthenticated` when it ended by the key. */
  check(): void {
    if (!this.#over.signal.aborted) return;
    throw new ManagerError(
      "unauthenticated",
      "the key that this was asked for with has expired or was changed or deleted",
    );
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #next(): Timer {
    return this.#vouching.clock.after(lookMs, () => {
      if (this.#vouching.isGood(this.#principal)) this.#timer = this.#next();
      else this.#over.abort();
    });
  }
}
