/**
 * The end of what an earlier manager left running: by its records, each checked to mean the very same process, and by the cgroups of
 * this data directory. Never by a bare number, and never what belongs to another data directory.
 */
import { basename, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Platform } from "./boundary.ts";
import { cgroupName } from "./cgroup-home.ts";
import { cgroupsIn, isPopulated } from "./cgroup.ts";
import { isRunning } from "./process-identity.ts";
import { endTree, signalGroup } from "./process-tree.ts";
import { killMarked } from "./run-mark.ts";
import type { RunRecord } from "./run-record.ts";
import { readRecords, removeRecord } from "./run-record.ts";

/** Where to look, and for whose. */
export interface SweepOptions {
  /** The directory of the records. */
  readonly records: string;
  readonly owner: string;
  readonly platform: Platform;
  readonly clock: Clock;
}

/** Kills what is left of earlier runs; gives the number of runs of which something still ran. */
export async function sweep({ records, owner, platform, clock }: SweepOptions): Promise<number> {
  const noted = await readRecords(records, owner);
  const stillRan = new Set<string>();
  for (const { id, leader } of noted) {
    if (!isRunning(leader)) continue;
    stillRan.add(id);
    signalGroup(leader.pid, "SIGKILL");
  }
  // The leader may be gone and its children not, and then its number proves nothing: the mark does.
  for (const id of await killMarked(new Set(noted.map((record) => record.id)))) stillRan.add(id);
  for (const [cgroup, id] of await leftCgroups(noted, owner, platform)) {
    if (isPopulated(cgroup)) stillRan.add(id);
    await endTree({ id, cgroup }, clock);
  }
  for (const record of noted) {
    const { isGone } = await endTree({ id: record.id, cgroup: undefined }, clock);
    // One that can't die yet is looked for again at the next start.
    if (isGone && !isRunning(record.leader)) await removeRecord(records, record.id);
  }
  return stillRan.size;
}

/** Cgroups of ours, by path, each with the id of its run: those that are there, and those that were noted elsewhere. */
async function leftCgroups(
  noted: readonly RunRecord[],
  owner: string,
  platform: Platform,
): Promise<Map<string, string>> {
  const left = new Map<string, string>();
  for (const { id, cgroup } of noted) {
    // The manager may have been started in another place of the hierarchy then.
    if (cgroup !== undefined && basename(cgroup) === cgroupName(owner, id)) left.set(cgroup, id);
  }
  if (platform.kind !== "cgroup") return left;
  const prefix = cgroupName(owner, "");
  for (const name of await cgroupsIn(platform.home.path)) {
    if (name.startsWith(prefix)) left.set(join(platform.home.path, name), name.slice(prefix.length));
  }
  return left;
}
