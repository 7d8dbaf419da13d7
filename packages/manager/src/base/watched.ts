/** A value that is replaced whole and can be listened to: how immutable tables reach those who read them. */

/** Stops a subscription; calling it twice does nothing. */
export type Unsubscribe = () => void;

export interface Watched<T> {
  /** The value now; keep the reference for as long as one consistent view is needed. */
  readonly current: T;
  /** Calls `listener` after every replacement, not for the present value. */
  onChange(listener: (value: T) => void): Unsubscribe;
}

/** The writer's side. A listener that throws breaks the writer: listeners only enqueue or swap. */
export class WatchedValue<T> implements Watched<T> {
  #current: T;
  readonly #listeners = new Set<(value: T) => void>();

  constructor(initial: T) {
    this.#current = initial;
  }

  get current(): T {
    return this.#current;
  }

  replace(value: T): void {
    this.#current = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  onChange(listener: (value: T) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
