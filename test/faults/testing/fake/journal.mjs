/** What a fake server did, a JSON line each, in a file that all copies of it append to: so that a test can count who executed what. */
import { appendFileSync } from "node:fs";
import process from "node:process";

/** The number of a copy is its pid and the time of its start, since pids come again. */
const copy = `${process.pid}-${Date.now()}`;

/** Opens a journal; without a path it notes nothing. */
export function openJournal(path, server) {
  if (path === undefined) return () => {};
  return (entry) => appendFileSync(path, `${JSON.stringify({ server, pid: process.pid, copy, ...entry })}\n`);
}
