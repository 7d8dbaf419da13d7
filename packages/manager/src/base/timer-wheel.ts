/**
 * Many short deadlines for the price of one timer: slots of a fixed width, each a list of callbacks, one tick for all. A deadline
 * fires up to one slot late, never early. For call time-outs, of which nearly all are cancelled (Varghese & Lauck, 1987).
 */
import type { Clock, Timer } from "./clock.ts";
import { type Placed, SwapList } from "./swap-list.ts";

/** One scheduled callback; opaque to the caller. */
export interface Deadline extends Placed {
  readonly run: () => void;
  readonly dueTick: number;
}

export class TimerWheel implements Disposable {
  readonly #clock: Clock;
  readonly #slotMs: number;
  readonly #slots: readonly SwapList<Deadline>[];
  readonly #originMs: number;
  #tick = 0;
  #count = 0;
  #timer: Timer | undefined;

  /** `slotMs` is the width of a slot and the greatest lateness, default 50; `slotCount` is a power of two, default 512. */
  constructor(clock: Clock, slotMs = 50, slotCount = 512) {
    this.#clock = clock;
    this.#slotMs = slotMs;
    this.#slots = Array.from({ length: slotCount }, () => new SwapList<Deadline>());
    this.#originMs = clock.nowMs();
  }

  /** Calls `run` once, `delayMs` from `nowMs` (the caller's reading of the clock, so that it is read once a call). */
  schedule(nowMs: number, delayMs: number, run: () => void): Deadline {
    if (this.#count === 0) this.#tick = this.#tickAt(nowMs);
    const dueTick = Math.max(this.#tick + 1, Math.ceil((nowMs + delayMs - this.#originMs) / this.#slotMs));
    const deadline: Deadline = { run, dueTick, place: -1 };
    this.#slotOf(dueTick).add(deadline);
    this.#count++;
    this.#arm();
    return deadline;
  }

  /** Forgets a deadline; after it fired, or twice, does nothing. */
  cancel(deadline: Deadline): void {
    if (this.#slotOf(deadline.dueTick).remove(deadline)) this.#count--;
  }

  /** Forgets everything; nothing fires any more. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const slot of this.#slots) slot.clear();
    this.#count = 0;
  }

  #slotOf(tick: number): SwapList<Deadline> {
    return this.#slots[tick % this.#slots.length] as SwapList<Deadline>;
  }

  #tickAt(nowMs: number): number {
    return Math.floor((nowMs - this.#originMs) / this.#slotMs);
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(this.#slotMs, () => {
      this.#timer = undefined;
      this.#advance();
      if (this.#count > 0) this.#arm();
    });
  }

  #advance(): void {
    const target = this.#tickAt(this.#clock.nowMs());
    const due: Deadline[] = [];
    // After a long pause every slot is looked at once, not once per missed turn of the wheel.
    for (let tick = Math.max(this.#tick + 1, target - this.#slots.length + 1); tick <= target; tick++) {
      for (const deadline of this.#slotOf(tick)) if (deadline.dueTick <= target) due.push(deadline);
    }
    this.#tick = target;
    for (const deadline of due) {
      if (deadline.place < 0) continue;
      this.cancel(deadline);
      deadline.run();
    }
  }
}
