/**
 * `npm install` in one folder, only when something that decides the outcome has changed since it last succeeded. It never runs
 * `npm ci`, which refuses to work where a mirror lacks other platforms' packages, and never changes a lock file.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";

/** Remembers in `node_modules` what it was installed from. */
const stampName = ".mcp-manager-set-up";
const heartbeatMs = 15_000;

/** `what` is for messages. Rejects when npm fails, with what to do. */
export async function installPackages({ folder, what, say }) {
  const stampFile = join(folder, "node_modules", stampName);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stampOf(folder)) return;
  const startedMs = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedMs) / 1000)} s`;
  say(`installing ${what} (npm install) ...`);
  rmSync(stampFile, { force: true });
  // On a terminal npm shows its own progress; elsewhere a line now and then says that it is not stuck.
  const heartbeat = process.stdout.isTTY
    ? undefined
    : setInterval(() => say(`still at it (${seconds()})`), heartbeatMs);
  try {
    await npm(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], folder);
  } finally {
    clearInterval(heartbeat);
  }
  writeFileSync(stampFile, stampOf(folder));
  say(`installed in ${seconds()}`);
}

/** Of everything that decides what an install gives: manifests, lock file, npm's settings, and the platform. */
function stampOf(folder) {
  const workspaces = join(folder, "packages");
  const manifests = existsSync(workspaces)
    ? readdirSync(workspaces).map((name) => join(workspaces, name, "package.json"))
    : [];
  const files = ["package.json", "package-lock.json", ".npmrc"].map((name) => join(folder, name)).concat(manifests);
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of files) if (existsSync(file)) hash.update(`\n${file}\n`).update(readFileSync(file));
  return hash.digest("hex");
}

function npm(args, folder) {
  return new Promise((resolve, reject) => {
    // The npm that called us, where it says so: the one in the PATH may be another, and on Windows it is a shell script.
    const own = process.env.npm_execpath;
    const child =
      own !== undefined && basename(own) === "npm-cli.js"
        ? spawn(process.execPath, [own, ...args], { cwd: folder, stdio: "inherit" })
        : spawn("npm", args, { cwd: folder, stdio: "inherit", shell: process.platform === "win32" });
    child.once("error", (error) => reject(new Error(`cannot start npm: ${error.message}`)));
    child.once("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`npm install in ${folder} failed (${signal ?? `exit ${code}`}); what npm said is above`));
    });
  });
}
