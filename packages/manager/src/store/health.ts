/** How the store is, asked for every few seconds, so that a health check never waits for it. */
import type { Clock, Timer } from "../base/clock.ts";
import type { Store, StoreStatus } from "./store.ts";

const intervalMs = 5_000;

/** Watches from its creation until it is disposed of. */
export class StoreWatch implements Disposable {
  /** As it was at the last look. */
  state: StoreStatus["state"] = "ok";
  readonly #store: Pick<Store, "status">;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #disposed = false;

  constructor(store: Pick<Store, "status">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#look();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.cancel();
  }

  #look(): void {
    this.#store.status().then(
      ({ state }) => this.#next(state),
      () => this.#next("unavailable"),
    );
  }

  #next(state: StoreStatus["state"]): void {
    this.state = state;
    if (!this.#disposed) this.#timer = this.#clock.after(intervalMs, () => this.#look());
  }
}
