/**
 * Many short deadlines for the price of one timer: slots of a fixed width, each a list of callbacks, one tick for all. A deadline
 * fires up to one slot late, never early. For call time-outs, of which nearly all are cancelled (Varghese & Lauck, 1987).
 *
 * Slots are arrays in which the last takes the place of one that goes. Sets would do the same, but each table that a Set outgrows
 * goes on pointing at its successor, and what lies in an old one survives the young generation: a quarter of all processor time
 * at full load went there.
 */
import type { Clock, Timer } from "./clock.ts";

/** One scheduled callback; opaque to the caller. */
export interface Deadline {
  readonly run: () => void;
  readonly dueTick: number;
  /** Its place in its slot; -1 once it is over. */
  place: number;
}

export class TimerWheel implements Disposable {
  readonly #clock: Clock;
  readonly #slotMs: number;
  readonly #slots: readonly Deadline[][];
  readonly #originMs: number;
  #tick = 0;
  #count = 0;
  #timer: Timer | undefined;

  /** `slotMs` is the width of a slot and the greatest lateness, default 50; `slotCount` is a power of two, default 512. */
  constructor(clock: Clock, slotMs = 50, slotCount = 512) {
    this.#clock = clock;
    this.#slotMs = slotMs;
    this.#slots = Array.from({ length: slotCount }, () => []);
    this.#originMs = clock.nowMs();
  }

  /** Calls `run` once, `delayMs` from `nowMs` (the caller's reading of the clock, so that it is read once a call). */
  schedule(nowMs: number, delayMs: number, run: () => void): Deadline {
    if (this.#count === 0) this.#tick = this.#tickAt(nowMs);
    const dueTick = Math.max(this.#tick + 1, Math.ceil((nowMs + delayMs - this.#originMs) / this.#slotMs));
    const slot = this.#slotOf(dueTick);
    const deadline: Deadline = { run, dueTick, place: slot.length };
    slot.push(deadline);
    this.#count++;
    this.#arm();
    return deadline;
  }

  /** Forgets a deadline; after it fired, or twice, does nothing. */
  cancel(deadline: Deadline): void {
    const { place } = deadline;
    if (place < 0) return;
    deadline.place = -1;
    this.#count--;
    const last = this.#slotOf(deadline.dueTick).pop();
    if (last === undefined || last === deadline) return;
    last.place = place;
    this.#slotOf(deadline.dueTick)[place] = last;
  }

  /** Forgets everything; nothing fires any more. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const slot of this.#slots) for (const deadline of slot.splice(0)) deadline.place = -1;
    this.#count = 0;
  }

  #slotOf(tick: number): Deadline[] {
    return this.#slots[tick % this.#slots.length] as Deadline[];
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
