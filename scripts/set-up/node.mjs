/** Which Node the npm scripts get, and what to do when it is too old to run the sources. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const majorMin = 24;

/**
 * `{version}`, or `{problem}` in words. npm puts `node_modules/.bin` first in the PATH of scripts; where the package `node` was left
 * without its binary, the PATH goes on to the installed Node in silence, and an old one fails later with puzzling errors.
 */
export function findNode(root) {
  const own = join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node");
  if (existsSync(own)) {
    const { status, stdout } = spawnSync(own, ["--version"], { encoding: "utf8", shell: process.platform === "win32" });
    if (status === 0 && isNewEnough(stdout)) return { version: stdout.trim() };
    return { problem: `${own} does not run as Node ${majorMin} or newer (${describe(status, stdout)}): ${remedy}` };
  }
  if (isNewEnough(process.version)) return { version: process.version };
  if (!existsSync(join(root, "node_modules")))
    return { problem: "nothing is installed yet: run `npm run set-up -- --examples`" };
  return {
    problem:
      `Node ${majorMin} or newer is needed, this is ${process.version}, and the project's own is missing, most likely because npm ` +
      `was told to leave install scripts out (ignore-scripts): ${remedy}`,
  };
}

const remedy = `run \`npm rebuild node --ignore-scripts=false\` in the project's folder, or install Node ${majorMin} or newer`;

function isNewEnough(version) {
  return Number(/^v(\d+)/.exec(version)?.[1]) >= majorMin;
}

function describe(status, stdout) {
  return status === 0 ? `it says ${stdout.trim()}` : "it cannot be started";
}
