/**
 * Many short deadlines for the price of one timer: slots of a fixed width, each a set of callbacks, one tick for all. A deadline
 * fires up to one slot late, never early. For call time-outs, of which nearly all are cancelled (Varghese & Lauck, 1987).
 */
import type { Clock, Timer } from "./clock.ts";

/** One scheduled callback; opaque to the caller. */
export interface Deadline {
  readonly run: () => void;
  readonly dueTick: number;
  slot: Set<Deadline> | undefined;
}

export class TimerWheel implements Disposable {
  readonly #clock: Clock;
  readonly #slotMs: number;
  readonly #slots: readonly Set<Deadline>[];
  readonly #originMs: number;
  #tick = 0;
  #count = 0;
  #timer: Timer | undefined;

  /** `slotMs` is the width of a slot and the greatest lateness, default 50; `slotCount` is a power of two, default 512. */
  constructor(clock: Clock, slotMs = 50, slotCount = 512) {
    this.#clock = clock;
    this.#slotMs = slotMs;
    this.#slots = Array.from({ length: slotCount }, () => new Set<Deadline>());
    this.#originMs = clock.nowMs();
  }

  /** Calls `run` once, `delayMs` from `nowMs` (the caller's reading of the clock, so that it is read once a call). */
  schedule(nowMs: number, delayMs: number, run: () => void): Deadline {
    if (this.#count === 0) this.#tick = this.#tickAt(nowMs);
    const dueTick = Math.max(this.#tick + 1, Math.ceil((nowMs + delayMs - this.#originMs) / this.#slotMs));
    const slot = this.#slots[dueTick % this.#slots.length] as Set<Deadline>;
    const deadline: Deadline = { run, dueTick, slot };
    slot.add(deadline);
    this.#count++;
    this.#arm();
    return deadline;
  }

  /** Forgets a deadline; after it fired, or twice, does nothing. */
  cancel(deadline: Deadline): void {
    if (deadline.slot?.delete(deadline)) this.#count--;
    deadline.slot = undefined;
  }

  /** Forgets everything; nothing fires any more. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const slot of this.#slots) slot.clear();
    this.#count = 0;
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
      const slot = this.#slots[tick % this.#slots.length] as Set<Deadline>;
      for (const deadline of slot) if (deadline.dueTick <= target) due.push(deadline);
    }
    this.#tick = target;
    for (const deadline of due) {
      if (deadline.slot === undefined) continue;
      this.cancel(deadline);
      deadline.run();
    }
  }
}
