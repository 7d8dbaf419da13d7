/**
 * Which process a number means. Numbers are used again; the number, the time the process began and the boot it began in together
 * are not. Reads `/proc`, and knows nothing where there is none.
 */
import { readFileSync } from "node:fs";

/** A process, beyond the reuse of its number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after the boot, as the kernel writes them. */
  readonly startTime: string;
  readonly bootId: string;
}

/** Who has this number now; undefined when nobody, or where the platform does not tell. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const facts = readStat(pid);
  const bootId = readText("/proc/sys/kernel/random/boot_id")?.trim();
  return facts === undefined || bootId === undefined ? undefined : { pid, startTime: facts.startTime, bootId };
}

/** Whether this very process still runs. One that has ended and only waits to be reaped does not. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  if (now?.startTime !== identity.startTime || now.bootId !== identity.bootId) return false;
  return !["Z", "X", undefined].includes(readStat(identity.pid)?.state);
}

function readStat(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields?.[0], fields?.[19]];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}
