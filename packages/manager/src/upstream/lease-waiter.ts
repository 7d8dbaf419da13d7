/** A call that waits for a connection of its own: until it is given one, refused, out of time, or given up by its caller. */
import type { Clock, Timer } from "../base/clock.ts";
import type { Lease, LeaseRequest } from "./leases.ts";

export interface LeaseWaiterOptions<Place> {
  readonly request: LeaseRequest;
  /** Where one would come from. */
  readonly place: Place;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  /** It has waited as long as it may. */
  readonly onTimeout: () => void;
  /** Its caller has given up. */
  readonly onAbort: (reason: Error) => void;
}

export class LeaseWaiter<Place> {
  readonly request: LeaseRequest;
  readonly place: Place;
  readonly sinceMs: number;
  readonly lease: Promise<Lease>;
  readonly #timer: Timer;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #resolve: (lease: Lease) => void = () => undefined;
  #reject: (reason: Error) => void = () => undefined;

  constructor({ request, place, signal, clock, onTimeout, onAbort }: LeaseWaiterOptions<Place>) {
    this.request = request;
    this.place = place;
    this.sinceMs = clock.nowMs();
    this.lease = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = clock.after(request.waitMs, onTimeout);
    this.#signal = signal;
    this.#onAbort = () => onAbort(signal?.reason as Error);
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  grant(lease: Lease): void {
    this.#end();
    this.#resolve(lease);
  }

  refuse(reason: Error): void {
    this.#end();
    this.#reject(reason);
  }

  #end(): void {
    this.#timer.cancel();
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}
