/**
 * What keeps the processes of one run together on this platform: a cgroup where one can be made and entered, else the process group.
 * Finds that out once, by trying, and makes the boundary of each run.
 */
import { join } from "node:path";
import type { Isolation } from "@mcp-manager/api";
import type { CgroupHome } from "./cgroup-home.ts";
import { cgroupName, openCgroupHome } from "./cgroup-home.ts";
import { createCgroup, killCgroup, removeCgroup } from "./cgroup.ts";
import { insideCgroup, works } from "./launch.ts";
import type { RunLimits } from "./runtime.ts";

/** What this platform offers. */
export type Platform =
  | { readonly kind: "cgroup"; readonly home: CgroupHome }
  | { readonly kind: "process-group"; readonly reason: string };

/** The boundary of one run. */
export interface Boundary {
  /** Path of its cgroup; undefined where only the process group holds it. */
  readonly cgroup: string | undefined;
  readonly isolation: Isolation;
  /** As in `Running.memory`. */
  readonly memory: string;
}

/** Finds the best boundary that works here for the data directory known as `owner`. */
export async function probePlatform(owner: string): Promise<Platform> {
  const home = await openCgroupHome(owner);
  if ("unavailable" in home) return { kind: "process-group", reason: home.unavailable };
  const reason = await whyUnusable(home);
  return reason === undefined ? { kind: "cgroup", home } : { kind: "process-group", reason };
}

async function whyUnusable(home: CgroupHome): Promise<string | undefined> {
  const path = join(home.path, cgroupName(home.owner, "probe"));
  const limits: RunLimits = { memoryBytes: 0, processesMax: 0, cpu: undefined };
  const unbounded: CgroupHome = { ...home, controllers: new Set() };
  try {
    // A manager that was killed in the middle of this may have left one.
    await removeCgroup(path);
    await createCgroup(unbounded, "probe", limits);
    if (!killCgroup(path)) return "this kernel has no cgroup.kill (it came with Linux 5.14)";
    const canEnter = await works((inner) => insideCgroup(path, inner));
    return canEnter ? undefined : `the manager may not move processes into ${home.path}`;
  } catch {
    return `the manager may not make cgroups in ${home.path}`;
  } finally {
    await removeCgroup(path);
  }
}

/** Makes the boundary of run `id`. One that can't have a cgroup after all gets the process group and says why. */
export async function createBoundary(platform: Platform, id: string, limits: RunLimits): Promise<Boundary> {
  if (platform.kind === "process-group") return processGroup(platform.reason);
  try {
    const { path, memory } = await createCgroup(platform.home, id, limits);
    return { cgroup: path, isolation: { level: "trusted", boundary: "cgroup" }, memory };
  } catch (error) {
    return processGroup(`no cgroup could be made (${error instanceof Error ? error.message : String(error)})`);
  }
}

function processGroup(reason: string): Boundary {
  const isolation: Isolation = { level: "trusted", boundary: "process-group" };
  return { cgroup: undefined, isolation, memory: `not enforced: ${reason}` };
}
