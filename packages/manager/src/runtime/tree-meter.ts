/**
 * How many processes a tree has and what memory they take, for trees that the kernel does not count. Reads `/proc` a little at a
 * time, so that a thousand processes hold up nobody; changes nothing.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import type { TreeNames } from "./process-tree.ts";

/** What the watch of limits sees with. */
export interface TreeMeter {
  /** The processes of each tree, by their numbers. */
  members(trees: readonly TreeNames[]): Promise<ReadonlyMap<TreeNames, readonly number[]>>;
  /** Memory that these processes have for themselves, in bytes. Cheap; what is shared by a fork counts for each of them. */
  estimate(pids: readonly number[]): number;
  /** The same, with what is shared counted once. Dear. */
  exact(pids: readonly number[]): number;
}

/** Files that are read in one turn of the event loop: about half a millisecond. */
const filesPerTurn = 64;
/** What is read of one process is never longer. */
const buffer = Buffer.allocUnsafeSlow(4_096);

/** The meter that reads `/proc`. */
export function procMeter(): TreeMeter {
  const pageBytes = readPageBytes();
  return {
    members,
    estimate: (pids) => sum(pids, (pid) => privatePages(pid) * pageBytes),
    exact: (pids) => sum(pids, (pid) => exactBytes(pid) ?? privatePages(pid) * pageBytes),
  };
}

/** Resolves after everybody else has had a turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function members(trees: readonly TreeNames[]): Promise<ReadonlyMap<TreeNames, readonly number[]>> {
  const inCgroups = trees.filter(({ cgroup }) => cgroup !== undefined);
  const others = trees.filter(({ cgroup }) => cgroup === undefined);
  const found = new Map<TreeNames, readonly number[]>();
  for (const tree of inCgroups) found.set(tree, numbers(readWhole(`${tree.cgroup ?? ""}/cgroup.procs`)));
  if (others.length === 0) return found;
  const table = await readTable();
  for (const tree of others) found.set(tree, descendants(tree.pid, table));
  return found;
}

/** Of each number: the processes that name it as parent, group or session. */
type Table = ReadonlyMap<number, readonly number[]>;

async function readTable(): Promise<Table> {
  const table = new Map<number, number[]>();
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  for (const [at, pid] of pids.entries()) {
    if (at % filesPerTurn === filesPerTurn - 1) await nextTurn();
    const text = read(`/proc/${pid}/stat`);
    const [, parent, group, session] = text.slice(text.lastIndexOf(")") + 2).split(" ", 4);
    for (const other of new Set([parent, group, session])) {
      if (other === undefined || other === pid) continue;
      const known = table.get(Number(other));
      if (known === undefined) table.set(Number(other), [Number(pid)]);
      else known.push(Number(pid));
    }
  }
  return table;
}

function descendants(leader: number, table: Table): readonly number[] {
  const found = new Set([leader]);
  // What is added while it is walked is walked too.
  for (const pid of found) for (const other of table.get(pid) ?? []) found.add(other);
  return [...found];
}

function privatePages(pid: number): number {
  const [, resident = 0, shared = 0] = numbers(read(`/proc/${pid}/statm`));
  return Math.max(0, resident - shared);
}

/** Undefined where the kernel does not tell us. */
function exactBytes(pid: number): number | undefined {
  const text = read(`/proc/${pid}/smaps_rollup`);
  return text === "" ? undefined : (kilobytes(text, "Pss_Anon") + kilobytes(text, "Pss_Shmem")) * 1024;
}

function kilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
}

/** From the table that the kernel gives to each process it starts: pairs of numbers, of which 6 names the size of a page. */
function readPageBytes(): number {
  const table = readFileSync("/proc/self/auxv");
  for (let at = 0; at + 16 <= table.length; at += 16) {
    if (table.readBigUInt64LE(at) === 6n) return Number(table.readBigUInt64LE(at + 8));
  }
  return 4_096;
}

function sum(pids: readonly number[], measure: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + measure(pid), 0);
}

function numbers(text: string): readonly number[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map(Number);
}

/** The beginning of a file, into memory that is used again: a third of the cost of `readFileSync`. */
function read(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      return buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    // It has ended.
    return "";
  }
}

function readWhole(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
