/**
 * The connections of a run beside its own: each is opened when a call of the legacy era wants one for itself, and all end with the
 * run, those that are still being opened too. What a connection is (a process, a session) is its opener's.
 */
import type { AnotherConnection, OpenRun } from "./run.ts";

/** One that is open. */
export interface BesideConnection extends AnotherConnection {
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<unknown>;
}

type Open = (
  capabilities: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  number: number,
) => Promise<BesideConnection>;

export class Beside {
  readonly #open: Open;
  readonly #all = new Set<Promise<BesideConnection>>();
  readonly #closing = new AbortController();
  #lastNumber = 0;

  /** `open` numbers them from 1 on. */
  constructor(open: Open) {
    this.#open = open;
  }

  readonly open: NonNullable<OpenRun["openAnother"]> = (capabilities, signal) => {
    const another = this.#open(capabilities, AbortSignal.any([signal, this.#closing.signal]), ++this.#lastNumber);
    this.#all.add(another);
    const forget = (): boolean => this.#all.delete(another);
    void another.then(({ gone }) => gone).then(forget, forget);
    return another;
  };

  /** Resolves when nothing of them is left. */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort();
    const closed = [...this.#all].map((another) =>
      another.then(
        (opened) => opened.close(graceMs),
        () => undefined,
      ),
    );
    await Promise.all(closed);
  }
}
