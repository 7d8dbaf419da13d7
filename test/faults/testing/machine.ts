/** What a process holds, and what became of its children, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** What one process holds at a moment. */
export interface Holdings {
  readonly descriptors: number;
  readonly rssBytes: number;
  readonly threads: number;
}

/** Throws when there is no such process. */
export function holdingsOf(pid: number): Holdings {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    rssBytes: number("VmRSS") * 1_024,
    threads: number("Threads"),
  };
}

/** The most memory that a process ever held at a time. */
export function peakRssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) * 1_024;
}

/** Processor time of a process so far, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const fields = fieldsOf(pid);
  // User and system time in ticks of 10 ms: fields 14 and 15, of which the first two are taken off.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Pids of everything that descends from `pid`, and whether each has ended and is only not collected. */
export function descendantsOf(pid: number): readonly { readonly pid: number; readonly isZombie: boolean }[] {
  const parents = new Map<number, { readonly parent: number; readonly state: string }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [state = "", parent = ""] = fieldsOf(Number(name));
    if (state !== "") parents.set(Number(name), { parent: Number(parent), state });
  }
  const found = new Set([pid]);
  // Children have no order among pids, which come again: look until nothing is new.
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const [child, { parent }] of parents) if (found.has(parent)) found.add(child);
  }
  found.delete(pid);
  return [...found].map((child) => ({ pid: child, isZombie: parents.get(child)?.state === "Z" }));
}

/** Whether a process is stopped where it stands, by SIGSTOP. */
export function isStopped(pid: number): boolean {
  return fieldsOf(pid)[0] === "T";
}

/** Whether nothing of a process runs any more; a zombie may be left. Its threads end one by one, and its files are closed with the last. */
export function hasEnded(pid: number): boolean {
  const [state = "X"] = fieldsOf(pid);
  if (state !== "Z" && state !== "X") return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length <= 1;
  } catch {
    return true;
  }
}

/** How many connections to this port of 127.0.0.1 bring something that was not read yet. */
export function unreadOn(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , , queues = ""]) => address === local && /:0*[^:0]/.test(queues)).length;
}

/** The fields of /proc/PID/stat from the state on; none when it has gone. */
function fieldsOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}
