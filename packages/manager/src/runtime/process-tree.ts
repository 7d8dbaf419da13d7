/**
 * The processes of one run and their common end. The process that was started leads a process group; a cgroup, where there is one,
 * holds whatever left that group; where there is none, the mark in the environment finds most of it.
 */
import type { Clock } from "../base/clock.ts";
import { isPopulated, killCgroup, ranOutOfMemory, removeCgroup } from "./cgroup.ts";
import { killMarked } from "./run-mark.ts";

/** What a tree is known by. */
export interface TreeNames {
  /** Of the run; its mark. */
  readonly id: string;
  /** Of the process that was started, which is the number of its group. */
  readonly pid: number;
  readonly cgroup: string | undefined;
}

/** How a tree ended. */
export interface TreeEnd {
  /** Whether nothing of it is left; false when the kernel did not let it die in time (a process that waits for a dead disk). */
  readonly isGone: boolean;
  readonly outOfMemory: boolean;
}

const pollMs = 10;
const patienceMs = 5_000;

/**
 * Sends a signal to the group. Only while its leader has not been reaped, or in the same turn: afterwards the number may be
 * somebody else's.
 */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it, or what is left runs as another user and is the cgroup's to kill.
  }
}

/** Kills what is left of a tree whose leader has ended or was killed, waits until it is gone, and removes its cgroup. */
export async function endTree({ id, cgroup }: Omit<TreeNames, "pid">, clock: Clock): Promise<TreeEnd> {
  const deadlineMs = clock.nowMs() + patienceMs;
  if (cgroup === undefined) {
    // One may have forked while the others were looked at.
    for (;;) {
      const isGone = (await killMarked(new Set([id]))).size === 0;
      if (isGone || clock.nowMs() > deadlineMs) return { isGone, outOfMemory: false };
      await clock.sleep(pollMs);
    }
  }
  killCgroup(cgroup);
  while (isPopulated(cgroup) && clock.nowMs() < deadlineMs) await clock.sleep(pollMs);
  const outOfMemory = ranOutOfMemory(cgroup);
  return { isGone: await removeCgroup(cgroup), outOfMemory };
}
