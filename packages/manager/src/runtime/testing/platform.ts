/** What the tests of this room need of the platform: temporary data directories, a look at real processes, waiting for a condition. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BoundaryKind } from "../boundary.ts";
import { probePlatform } from "../boundary.ts";
import { probeBubblewrap } from "../bubblewrap.ts";
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
export const noCgroup: string | undefined = await whyNo("cgroup");

/** Why tests of PID namespaces without a sandbox can't run here. */
export const noPidNamespace: string | undefined = await whyNo("pid-namespace");

/** Why tests of sandboxes can't run here. */
export const noSandbox: string | undefined = await whyNoSandbox();

async function whyNo(kind: BoundaryKind): Promise<string | undefined> {
  await using data = await temporaryData();
  const platform = await probePlatform(await ownerOf(data.path), kind);
  if (platform.kind === kind) return undefined;
  return platform.kind === "process-group" ? `no ${kind} here: ${platform.reason}` : `no ${kind} here`;
}

async function whyNoSandbox(): Promise<string | undefined> {
  await using data = await temporaryData();
  const found = await probeBubblewrap(data.path);
  return "unavailable" in found ? `a sandbox ${found.unavailable}` : undefined;
}

/** Whether a process of this number lives; one that only waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  return !["", "Z", "X"].includes(statOf(pid)[0] ?? "");
}

/** Live processes whose command line holds this text. */
export function processesWith(text: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid);
  return pids.map(Number).filter((pid) => isAlive(pid) && commandLine(pid).includes(text));
}

/** Its words with spaces between them; empty when it is gone. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
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
