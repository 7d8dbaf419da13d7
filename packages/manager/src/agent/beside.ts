/**
 * The connections of a run beside its own: each is opened when a call wants one for itself, and all end with the run, those that are
 * still being opened too. What a connection is (a process, a session) is its opener's.
 */
import { updatedMethod } from "../protocol/subscriptions.ts";
import type { AnotherConnection, OpenRequest } from "./run.ts";

/** One that is open. */
export interface BesideConnection extends AnotherConnection {
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<unknown>;
}

export class Beside {
  readonly #all = new Set<Promise<BesideConnection>>();
  readonly #closing = new AbortController();

  /** `open` is told when to give up: when `signal` says so, or the run ends. */
  open(signal: AbortSignal, open: (signal: AbortSignal) => Promise<BesideConnection>): Promise<BesideConnection> {
    const another = open(AbortSignal.any([signal, this.#closing.signal]));
    this.#all.add(another);
    const forget = (): boolean => this.#all.delete(another);
    void another.then(({ gone }) => gone).then(forget, forget);
    return another;
  }

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

/** Whether a run has connections for single callers: servers of the legacy era that all share, and whoever keeps callers apart. */
export function keepsApart({ revision }: OpenRequest): boolean {
  return revision.sharing !== "shared";
}

/**
 * Who hears what the server of such a connection says to nobody in particular. Where callers are kept apart, what it tells of its
 * resources is one caller's, and nobody else's; that a list changed says nothing of anybody.
 */
export function listenerBeside(request: OpenRequest): OpenRequest["onNotification"] {
  if (!keepsApart(request)) return request.onNotification;
  return (message, method) => {
    if (method === updatedMethod) request.onDropped("unaddressed_update");
    else request.onNotification(message, method);
  };
}
