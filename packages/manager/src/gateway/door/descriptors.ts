/**
 * The descriptors of this process: how many may be open, how many are, and how many of them clients may take. Read from /proc;
 * elsewhere nothing is known, and nothing is limited. Node raises the soft limit to the hard one when it starts, so the limit is final.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";

/** What the manager has open without any client or server: its store, logs, pipes of the runtime. */
const ownMax = 64;

/** How many descriptors may be open; undefined where that is not known or not limited. */
export function descriptorLimit(): number | undefined {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/** How many are open. Costs one system call from Linux 6.2 on, a listing before. `limit` when there is none left to look with. */
export function descriptorsOpen(limit: number): number {
  try {
    return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length;
  } catch {
    return limit;
  }
}

/**
 * How many connections clients may have when they want `wanted`: half of what is left to give, since what they ask for takes
 * connections or pipes to servers.
 */
export function connectionsWithin(limit: number | undefined, wanted: number): number {
  if (limit === undefined) return wanted;
  return Math.min(wanted, Math.max(1, Math.floor((limit - ownMax) / 2)));
}
