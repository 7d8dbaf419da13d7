/**
 * The processes of one run and their common end. The process that was started leads a process group; a cgroup, where there is one,
 * holds whatever left that group, and a PID namespace does too; where there is neither, the mark in the environment finds most of it.
 *
 *   what was started (bubblewrap) ──▶ init of the namespace ──▶ the server ──▶ …
 */
import { readFileSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { isPopulated, killCgroup, ranOutOfMemory, removeCgroup } from "./cgroup.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { identityOf, isRunning } from "./process-identity.ts";
import { killMarked } from "./run-mark.ts";

/** What a tree is known by. */
export interface TreeNames {
  /** Of the run; its mark. */
  readonly id: string;
  /** Of the process that was started, which is the number of its group. */
  readonly pid: number;
  readonly cgroup: string | undefined;
  /** Whether it has a PID namespace of its own, which what was started only waits for. */
  readonly isInside: boolean;
}

/** Who is who in a PID namespace. */
export interface Inside {
  /** Its first process, which leads the group of the server, and with which everything in it ends. */
  readonly init: ProcessIdentity;
  /** The server. */
  readonly pid: number;
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

/** Looks into the namespace that the process `pid` made; undefined until the server in it has begun. */
export function insideOf(pid: number): Inside | undefined {
  const [first] = childrenOf(pid);
  const [server] = first === undefined ? [] : childrenOf(first);
  const init = first === undefined ? undefined : identityOf(first);
  return init === undefined || server === undefined ? undefined : { init, pid: server };
}

/** Those that the main thread of a process has started and not reaped, in order. */
function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1");
    return text
      .split(" ")
      .filter((word) => word !== "")
      .map(Number);
  } catch {
    return [];
  }
}

/** What is to be ended. */
export interface TreeRest {
  /** As in `TreeNames`. */
  readonly id: string;
  readonly cgroup: string | undefined;
  /** The first process of its namespace, where one is known. */
  readonly init?: ProcessIdentity | undefined;
}

/** Kills what is left of a tree whose leader has ended or was killed, waits until it is gone, and removes its cgroup. */
export async function endTree({ id, cgroup, init }: TreeRest, clock: Clock): Promise<TreeEnd> {
  const deadlineMs = clock.nowMs() + patienceMs;
  if (cgroup === undefined) {
    // One may have forked while the others were looked at.
    for (;;) {
      const isEmpty = init === undefined || !isRunning(init);
      const isGone = (await killMarked(new Set([id]))).size === 0 && isEmpty;
      if (isGone || clock.nowMs() > deadlineMs) return { isGone, outOfMemory: false };
      await clock.sleep(pollMs);
    }
  }
  killCgroup(cgroup);
  while (isPopulated(cgroup) && clock.nowMs() < deadlineMs) await clock.sleep(pollMs);
  const outOfMemory = ranOutOfMemory(cgroup);
  return { isGone: await removeCgroup(cgroup), outOfMemory };
}
