/**
 * Where cgroups of ours live: right below the manager's own cgroup in the v2 hierarchy, under names that say whose they are. Finds
 * the place and switches on the controllers that bound memory, tasks and processor time, as far as the platform lets it. Moves no
 * process but the manager itself, out of the way, when it is alone in a cgroup that was delegated to it.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** A directory in which each run gets its own cgroup. */
export interface CgroupHome {
  readonly path: string;
  /** The data directory whose runs these are (`ownerOf`); the cgroups of others stand beside them. */
  readonly owner: string;
  /** Controllers that are in force in the cgroups below. */
  readonly controllers: ReadonlySet<string>;
}

const wanted = ["memory", "pids", "cpu"] as const;
/** Leaf for the manager itself: where controllers are on, a cgroup holds processes or cgroups, not both. */
const leafName = "mcp-manager";

/** The directory of the cgroup of this process, from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`. */
export function locateCgroup(mountinfo: string, membership: string): string | undefined {
  const own = /^0::(\/.*)$/m.exec(membership)?.[1];
  // A namespace that does not hold it shows it as being above its root.
  if (own === undefined || own.startsWith("/..")) return undefined;
  for (const line of mountinfo.split("\n")) {
    const [mount = "", filesystem = ""] = line.split(" - ");
    if (!filesystem.startsWith("cgroup2 ")) continue;
    const [, , , root = "/", point = ""] = mount.split(" ");
    const below = relative(unescapeMount(root), own);
    // In a container the hierarchy may be mounted from a place that does not hold our own cgroup.
    if (!below.startsWith("..")) return join(unescapeMount(point), below);
  }
  return undefined;
}

/** The name of the cgroup of run `id`. */
export function cgroupName(owner: string, id: string): string {
  return `mcp-manager-${owner}.${id}`;
}

/** The home of `owner`, or why there can be none. Whether cgroups can be made and entered there is for the caller to try. */
export async function openCgroupHome(owner: string): Promise<CgroupHome | { readonly unavailable: string }> {
  const [mountinfo, membership] = await Promise.all(["mountinfo", "cgroup"].map((file) => read(`/proc/self/${file}`)));
  const own = locateCgroup(mountinfo ?? "", membership ?? "");
  if (own === undefined) return { unavailable: "cgroup v2 is not there" };
  // The leaf is where an earlier call put this process.
  const path = own.endsWith(`/${leafName}`) ? join(own, "..") : own;
  await enableControllers(path);
  return { path, owner, controllers: await words(join(path, "cgroup.subtree_control")) };
}

async function enableControllers(path: string): Promise<void> {
  const offered = await words(join(path, "cgroup.controllers"));
  const useful = wanted.filter((name) => offered.has(name));
  if (!(await enable(path, useful)) && (await moveToLeaf(path))) await enable(path, useful);
}

/** Whether all of them are on afterwards. */
async function enable(directory: string, controllers: readonly string[]): Promise<boolean> {
  const file = join(directory, "cgroup.subtree_control");
  for (const name of controllers) await writeFile(file, `+${name}`).catch(() => undefined);
  const on = await words(file);
  return controllers.every((name) => on.has(name));
}

/** Moves the manager into a leaf of its own, when nobody else is there (a service with `Delegate=yes`). Whether it did. */
async function moveToLeaf(path: string): Promise<boolean> {
  const members = await words(join(path, "cgroup.procs"));
  if (members.size !== 1 || !members.has(String(process.pid))) return false;
  try {
    await mkdir(join(path, leafName), { recursive: true });
    await writeFile(join(path, leafName, "cgroup.procs"), "0");
    return true;
  } catch {
    return false;
  }
}

async function words(file: string): Promise<ReadonlySet<string>> {
  return new Set((await read(file)).split(/\s+/).filter((word) => word !== ""));
}

function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
