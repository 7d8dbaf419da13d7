/**
 * What keeps the processes of one run together on this platform: a cgroup where one can be made and entered, else a PID namespace
 * where it takes nothing from a server, else the process group. Finds that out once, by trying, and makes the boundary of each run.
 */
import { join } from "node:path";
import { findBubblewrap } from "./bubblewrap.ts";
import type { CgroupHome } from "./cgroup-home.ts";
import { cgroupName, openCgroupHome } from "./cgroup-home.ts";
import { createCgroup, killCgroup, removeCgroup } from "./cgroup.ts";
import { bounded, inPidNamespace, works } from "./launch.ts";
import type { RunLimits } from "./runtime.ts";

/** What holds a tree together, strongest first. */
export type BoundaryKind = "cgroup" | "pid-namespace" | "process-group";

/** What this platform offers. */
export type Platform =
  | { readonly kind: "cgroup"; readonly home: CgroupHome }
  /** `bubblewrap`: the path of the program that makes them. */
  | { readonly kind: "pid-namespace"; readonly bubblewrap: string; readonly reason: string }
  /** `reason`: why it is nothing stronger. */
  | { readonly kind: "process-group"; readonly reason: string };

/** The boundary of one run. */
export interface Boundary {
  readonly kind: BoundaryKind;
  /** Path of its cgroup, where it has one. */
  readonly cgroup: string | undefined;
  /** Why the kernel does not hold the tree to its memory; undefined when it does. */
  readonly memoryUnbounded: string | undefined;
  /** Whether the kernel holds the tree to its number of processes. */
  readonly boundsProcesses: boolean;
}

/** Finds the best boundary that works here for the data directory known as `owner`, none better than `strongest`. */
export async function probePlatform(owner: string, strongest: BoundaryKind = "cgroup"): Promise<Platform> {
  const cgroups = strongest === "cgroup" ? await probeCgroups(owner) : { unavailable: "cgroups are switched off" };
  if (!("unavailable" in cgroups)) return { kind: "cgroup", home: cgroups };
  const reason = cgroups.unavailable;
  const bubblewrap = strongest === "process-group" ? undefined : await pidNamespaces();
  return bubblewrap === undefined ? { kind: "process-group", reason } : { kind: "pid-namespace", bubblewrap, reason };
}

async function probeCgroups(owner: string): Promise<CgroupHome | { readonly unavailable: string }> {
  const home = await openCgroupHome(owner);
  if ("unavailable" in home) return home;
  const reason = await whyUnusable(home);
  return reason === undefined ? home : { unavailable: reason };
}

/**
 * The path of what makes PID namespaces. For root only: another user gets one with a user namespace, in which set-user-ID programs do
 * nothing (`podman` would not start), and that is no plain child process any more.
 */
async function pidNamespaces(): Promise<string | undefined> {
  const path = process.getuid?.() === 0 ? await findBubblewrap() : undefined;
  return path !== undefined && (await works((inner) => inPidNamespace(path, inner))) ? path : undefined;
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
    const canEnter = await works((inner) => bounded({ cgroup: path, openFilesMax: 1024 }, inner));
    return canEnter ? undefined : `the manager may not move processes into ${home.path}`;
  } catch {
    return `the manager may not make cgroups in ${home.path}`;
  } finally {
    await removeCgroup(path);
  }
}

/** Makes the boundary of run `id`. One that can't have a cgroup after all gets the process group and says why. */
export async function createBoundary(platform: Platform, id: string, limits: RunLimits): Promise<Boundary> {
  if (platform.kind !== "cgroup") return withoutCgroup(platform.kind, platform.reason);
  try {
    const { path, ...bounds } = await createCgroup(platform.home, id, limits);
    return { kind: "cgroup", cgroup: path, ...bounds };
  } catch (error) {
    const reason = `no cgroup could be made (${error instanceof Error ? error.message : String(error)})`;
    return withoutCgroup("process-group", reason);
  }
}

function withoutCgroup(kind: BoundaryKind, reason: string): Boundary {
  return { kind, cgroup: undefined, memoryUnbounded: reason, boundsProcesses: false };
}
