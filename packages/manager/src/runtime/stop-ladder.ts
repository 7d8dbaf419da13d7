/**
 * The order in which a process is asked to end, and then made to (reliability.md section 4.2). The end of its input is the
 * specification's own signal; the rest is for those that do not listen.
 *
 *   end of stdin ──5 s──▶ SIGTERM to the group ──5 s──▶ SIGKILL to everything
 */
import type { Clock } from "../base/clock.ts";

/** How long each step may take, in milliseconds. */
export interface StopTimes {
  readonly inputMs: number;
  readonly termMs: number;
}

/** Five seconds each. */
export const stopTimes: StopTimes = { inputMs: 5_000, termMs: 5_000 };

/** What the ladder acts on. */
export interface StopSteps {
  endInput(): void;
  terminate(): void;
  kill(): void;
  /** Resolves when the process has ended, by whichever step. */
  readonly ended: Promise<unknown>;
}

/** Takes one step after the other until the process has ended. */
export async function climbDown(steps: StopSteps, times: StopTimes, clock: Clock): Promise<void> {
  steps.endInput();
  if (await happensWithin(steps.ended, times.inputMs, clock)) return;
  steps.terminate();
  if (await happensWithin(steps.ended, times.termMs, clock)) return;
  steps.kill();
  await steps.ended;
}

/** Whether it resolves in time; leaves no timer behind. */
export async function happensWithin(event: Promise<unknown>, withinMs: number, clock: Clock): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = clock.after(withinMs, () => late.resolve(false));
  const isInTime = await Promise.race([event.then(() => true), late.promise]);
  timer.cancel();
  return isInTime;
}
