/** One set-up at a time in a checkout: two `npm install` in one folder would break each other. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 500;
const waitMaxMs = 15 * 60_000;

/** Runs `work` while holding the lock file, which names our process, so that one left behind by a crash is seen as such. */
export async function withLock(file, say, work) {
  mkdirSync(dirname(file), { recursive: true });
  const untilMs = Date.now() + waitMaxMs;
  for (let tries = 0; !take(file); tries += 1) {
    const owner = readOwner(file);
    if (owner !== undefined && !isRunning(owner)) rmSync(file, { force: true });
    else if (Date.now() > untilMs)
      throw new Error(`another set-up (process ${owner}) does not end; if there is none, delete ${file}`);
    else {
      if (tries === 0) say(`waiting for another set-up (process ${owner}) to end ...`);
      await sleep(pollMs);
    }
  }
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  try {
    await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined while it is being written or was just released. */
function readOwner(file) {
  try {
    return Number.parseInt(readFileSync(file, "utf8"), 10) || undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
