/** What the tests of this room need of the platform: temporary data directories, a look at real processes, waiting for a condition. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probePlatform } from "../boundary.ts";
import { ownerOf } from "../run-record.ts";

/** A data directory that is removed when it is disposed of. */
export interface TemporaryData extends AsyncDisposable {
  readonly path: string;
}

/** Makes one. */
export async function temporaryData(): Promise<TemporaryData> {
  const path = await mkdtemp(join(tmpdir(), "runtime-test-"));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Why tests of real processes can't run here. */
export const noProc: string | undefined = process.platform === "linux" ? undefined : "needs /proc to look at processes";

/** Why tests of cgroups can't run here. */
export const noCgroup: string | undefined = await whyNoCgroup();

async function whyNoCgroup(): Promise<string | undefined> {
  await using data = await temporaryData();
  const platform = await probePlatform(await ownerOf(data.path));
  return platform.kind === "cgroup" ? undefined : `no cgroup here: ${platform.reason}`;
}

/** Whether a process of this number lives; one that only waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  return !["", "Z", "X"].includes(statOf(pid)[0] ?? "");
}

/** Children of this process that ended and were not reaped. */
export function zombies(): readonly string[] {
  return processes(({ state, parent }) => state === "Z" && parent === process.pid);
}

/** Live children of this process. */
export function children(): readonly string[] {
  return processes(({ state, parent }) => state !== "Z" && parent === process.pid);
}

function processes(isWanted: (facts: { state: string; parent: number }) => boolean): readonly string[] {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return pids.filter((pid) => {
    const [state = "", parent = ""] = statOf(Number(pid));
    return isWanted({ state, parent: Number(parent) });
  });
}

function statOf(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [""];
  }
}

/** Resolves as soon as the condition holds; the test's own time-out is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
