/** Which processes there are, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Pids of the processes whose command line contains all of `words`; zombies are none. */
export function processesWith(...words: readonly string[]): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const commandLine = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
      return commandLine !== "" && words.every((word) => commandLine.includes(word));
    })
    .map(Number);
}

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  return stat !== "" && state !== "Z" && state !== "X";
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
