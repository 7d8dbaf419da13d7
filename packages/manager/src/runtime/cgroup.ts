/**
 * One cgroup, the one of a run: made with its bounds, killed whole, removed when empty. What is in a cgroup can't leave it by
 * forking or by a session of its own, which makes its end complete (reliability.md section 4.2).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CgroupHome } from "./cgroup-home.ts";
import { cgroupName } from "./cgroup-home.ts";
import type { RunLimits } from "./runtime.ts";

/** A cgroup that was made for a run. */
export interface RunCgroup {
  readonly path: string;
  /** Whether the kernel holds it to its number of processes. */
  readonly boundsProcesses: boolean;
  /** Why the kernel does not hold it to its memory; undefined when it does. */
  readonly memoryUnbounded: string | undefined;
}

/** The kernel counts threads, and a Node process that does nothing has eleven. */
export const tasksPerProcess = 16;
const reclaimShare = 0.9;
const cpuPeriodUs = 100_000;

/** Makes the cgroup of run `id`, with those bounds that its home can enforce. Rejects when it can't be made. */
export async function createCgroup(home: CgroupHome, id: string, limits: RunLimits): Promise<RunCgroup> {
  const path = join(home.path, cgroupName(home.owner, id));
  await mkdir(path);
  const set = (file: string, value: string): Promise<boolean> =>
    writeFile(join(path, file), value).then(
      () => true,
      () => false,
    );
  const boundsProcesses =
    home.controllers.has("pids") && (await set("pids.max", String(limits.processesMax * tasksPerProcess)));
  if (home.controllers.has("cpu") && limits.cpu !== undefined) {
    await set("cpu.max", `${Math.max(1000, Math.round(limits.cpu * cpuPeriodUs))} ${cpuPeriodUs}`);
  }
  const noController = "cgroup v2 has no memory controller for the manager here";
  if (!home.controllers.has("memory")) return { path, boundsProcesses, memoryUnbounded: noController };
  const isBounded = await set("memory.max", String(limits.memoryBytes));
  // Above it the kernel takes back what it can, so that a cache that grew is no reason to be killed.
  await set("memory.high", String(Math.floor(limits.memoryBytes * reclaimShare)));
  // Neither slowly dying in swap nor losing one process of several is of use.
  await set("memory.swap.max", "0");
  await set("memory.oom.group", "1");
  return { path, boundsProcesses, memoryUnbounded: isBounded ? undefined : "memory.max could not be set" };
}

/** Kills whatever is in the cgroup and below it, at once. False when it is gone already, or the kernel can't. */
export function killCgroup(path: string): boolean {
  try {
    writeFileSync(join(path, "cgroup.kill"), "1", { flag: "r+" });
    return true;
  } catch {
    return false;
  }
}

/** Whether a live process is in it or below it. */
export function isPopulated(path: string): boolean {
  return /^populated 1$/m.test(readSync(join(path, "cgroup.events")));
}

/** Whether the kernel killed something in it because `memory.max` was reached. */
export function ranOutOfMemory(path: string): boolean {
  return /^oom_kill [1-9]/m.test(readSync(join(path, "memory.events")));
}

/** Removes it with what a server may have made below it. Whether it is gone. */
export async function removeCgroup(path: string): Promise<boolean> {
  for (const name of await cgroupsIn(path)) await removeCgroup(join(path, name));
  return rmdir(path).then(
    () => true,
    (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT",
  );
}

/** Names of the cgroups right below it. */
export async function cgroupsIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

function readSync(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
