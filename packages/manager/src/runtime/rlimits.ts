/** What a launcher may bound of each process where no cgroup bounds the tree. Finds out what this platform lets us set. */
import { access, constants, readFile } from "node:fs/promises";
import { release } from "node:os";

/** Found out once. */
export interface Rlimits {
  /** Files that a process may hold open. */
  readonly openFilesMax: number;
  /**
   * Path of util-linux's `prlimit`, where a number of tasks holds for a sandbox alone: the kernel counts them by user, since Linux 5.14
   * within a user namespace, and never for root. Undefined elsewhere.
   */
  readonly prlimit: string | undefined;
}

/** No server needs more, and some that leak would take all there are. */
const openFilesMost = 16_384;

/** Looks at the platform. */
export async function findRlimits(): Promise<Rlimits> {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const hard = Number(/^Max open files +\S+ +(\d+)/m.exec(text)?.[1] ?? Infinity);
  return { openFilesMax: Math.min(hard, openFilesMost), prlimit: await findPrlimit() };
}

async function findPrlimit(): Promise<string | undefined> {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const countsByNamespace = process.platform === "linux" && (major > 5 || (major === 5 && minor >= 14));
  if (!countsByNamespace || process.getuid?.() === 0) return undefined;
  const path = "/usr/bin/prlimit";
  return access(path, constants.X_OK).then(
    () => path,
    () => undefined,
  );
}
