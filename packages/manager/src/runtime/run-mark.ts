/**
 * The mark of a run: a variable in its environment that every descendant inherits, so that those that left the process group can be
 * told from strangers where no cgroup holds them. A net, not a wall: a process that clears its environment is not found. Reads
 * `/proc`, and finds nothing where there is none.
 */
import { readdir, readFile } from "node:fs/promises";

/** The variable that holds the id of the run. */
export const runMark = "MCP_MANAGER_RUN";

/** Kills every process that carries one of these marks; gives the marks that were found. */
export async function killMarked(runs: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  if (runs.size === 0) return found;
  const entries = await readdir("/proc").catch(() => []);
  for (const entry of entries) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const run = markIn(await readFile(`/proc/${entry}/environ`, "latin1").catch(() => ""));
    if (run === undefined || !runs.has(run)) continue;
    found.add(run);
    try {
      process.kill(Number(entry), "SIGKILL");
    } catch {
      // It ended between the two lines.
    }
  }
  return found;
}

function markIn(environ: string): string | undefined {
  const start = `\0${environ}`.indexOf(`\0${runMark}=`);
  if (start === -1) return undefined;
  const value = environ.slice(start + runMark.length + 1);
  const end = value.indexOf("\0");
  return end === -1 ? value : value.slice(0, end);
}
