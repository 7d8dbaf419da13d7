/**
 * What a manager that starts must know of the runs of one that was killed: one small file for each, written in the same turn in which
 * the process was started, removed when nothing of the run is left. Not synced to the disk: a machine that loses power keeps no
 * processes either.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessIdentity } from "./process-identity.ts";

/** One run, as noted. */
export interface RunRecord {
  /** Of the run; also the name of its file and of its cgroup, and its mark. */
  readonly id: string;
  /** The data directory it belongs to, as `ownerOf` names it: a copy of the directory owns none of its processes. */
  readonly owner: string;
  /** The process that was started, which leads its group. */
  readonly leader: ProcessIdentity;
  readonly cgroup?: string;
}

const extension = ".json";

/** Names a data directory: the same for the same directory only, not for a copy, nor for another one in its place. */
export async function ownerOf(dataDir: string): Promise<string> {
  const { dev, ino } = await stat(dataDir);
  const identity = `${dev}:${ino}:${await realpath(dataDir)}`;
  return createHash("sha256").update(identity).digest("hex").slice(0, 16);
}

/** The directory of the records, made when it is not there. */
export async function openRecords(dataDir: string): Promise<string> {
  const directory = join(dataDir, "run");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Notes a run. Synchronous, so that no moment passes between a start and its record. Throws what the file system throws. */
export function writeRecord(directory: string, record: RunRecord): void {
  writeFileSync(join(directory, record.id + extension), JSON.stringify(record), { mode: 0o600 });
}

/** Forgets a run. Never rejects: a record that can't be removed does no harm, since it names a process that is no more. */
export async function removeRecord(directory: string, id: string): Promise<void> {
  await rm(join(directory, id + extension), { force: true }).catch(() => undefined);
}

/** Every run that `owner` noted. What is no record is left where it is. */
export async function readRecords(directory: string, owner: string): Promise<readonly RunRecord[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith(extension));
  const records = await Promise.all(files.map((name) => readRecord(join(directory, name))));
  return records.filter((record) => record !== undefined).filter((record) => record.owner === owner);
}

async function readRecord(path: string): Promise<RunRecord | undefined> {
  try {
    const value = JSON.parse(await readFile(path, "utf8")) as RunRecord;
    const isWhole = typeof value.id === "string" && Number.isSafeInteger(value.leader.pid) && value.leader.pid > 1;
    return isWhole ? value : undefined;
  } catch {
    return undefined;
  }
}
