/**
 * Child processes of the bench: started pinned to a core, stopped for certain, and their CPU time read from /proc.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The core it runs on. */
  readonly core: number;
}

export interface RunningProgram {
  readonly pid: number;
  /** What it has printed so far, both streams. */
  output(): string;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) killTree(child.pid ?? -1);
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

/** Starts a program; it is gone when the bench ends, however that comes. */
export function start(program: Program): RunningProgram {
  const child = spawn("taskset", ["-c", String(program.core), program.command, ...program.args], {
    env: { ...process.env, ...program.env },
    ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.once("error", (error) => keep(Buffer.from(String(error))));
  void exited.then(() => running.delete(child));
  return {
    pid: child.pid ?? -1,
    output: () => output,
    async stop() {
      child.kill("SIGTERM");
      const hasExited = await Promise.race([exited.then(() => true), sleep(5_000, false, { ref: false })]);
      if (!hasExited) killTree(child.pid ?? -1);
      await exited;
    },
  };
}

function killTree(pid: number): void {
  for (const each of [...descendants(pid), pid]) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // It was quicker.
    }
  }
}

/** Where a program is, also in the folders of system programs that a user's PATH leaves out. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}

/** Waits until `pattern` is in the output; gives the match. */
export async function waitForLine(
  program: RunningProgram,
  pattern: RegExp,
  timeoutMs = 30_000,
): Promise<RegExpExecArray> {
  let wasAlive = true;
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(20)) {
    const match = pattern.exec(program.output());
    if (match !== null) return match;
    // Its last words may come after its end.
    if (!wasAlive) break;
    wasAlive = isAlive(program.pid);
  }
  throw new Error(`a program of the bench did not say ${pattern}; it said:\n${program.output()}`);
}

/** Waits until something listens on the port. */
export async function waitForPort(program: RunningProgram, port: number, timeoutMs = 30_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(50)) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    if (!isAlive(program.pid)) break;
  }
  throw new Error(`a program of the bench does not listen on port ${port}; it said:\n${program.output()}`);
}

/** User and system time of a process in seconds; with `children`, of all that descend from it and live, too. */
export function cpuSeconds(pid: number, children: boolean): number {
  const pids = children ? [pid, ...descendants(pid)] : [pid];
  let ticks = 0;
  for (const each of pids) {
    const fields = statOf(each);
    // Fields 14 and 15 of proc(5), counted after the name, which may hold spaces.
    if (fields !== undefined) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

/** How long the process's main thread was ready to run and had to wait for its core, in seconds. */
export function waitedSeconds(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[1]) / 1e9;
  } catch {
    return 0;
  }
}

/** Resident memory in MiB. */
export function residentMiB(pid: number, children: boolean): number {
  const pids = children ? [pid, ...descendants(pid)] : [pid];
  let pages = 0;
  for (const each of pids) pages += Number(statOf(each)?.[21] ?? 0);
  return (pages * 4096) / 2 ** 20;
}

/** Resident memory of one process in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  return (residentMiB(pid, false) * 2 ** 20) / 1e6;
}

const ticksPerSecond = Number(spawnSync("getconf", ["CLK_TCK"]).stdout?.toString() || "100") || 100;

function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== "Z";
}

export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = statOf(Number(entry))?.[1];
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  const found: number[] = [];
  const from = [pid];
  for (let next = from.pop(); next !== undefined; next = from.pop()) {
    for (const [child, parent] of parents) {
      if (parent !== next) continue;
      found.push(child);
      from.push(child);
    }
  }
  return found;
}
