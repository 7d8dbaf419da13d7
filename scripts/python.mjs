/**
 * `npm run python`: the checks and tests of clients/python, in a virtual environment that is made where it is missing or where what goes
 * into it has changed. All arguments go to pytest, and then it alone runs. Needs python3 of 3.10 or newer with venv; see set-up/system.mjs.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { withLock } from "./set-up/lock.mjs";
import { findPython } from "./set-up/python.mjs";

const minuteMs = 60_000;
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "clients", "python");
const venv = join(root, ".cache", "python");
const bin = join(venv, process.platform === "win32" ? "Scripts" : "bin");
const say = (text) => void process.stderr.write(`python: ${text}\n`);

try {
  const python = findPython();
  if (python.problem !== undefined) throw new Error(python.problem);
  await withLock(join(root, ".cache", "python.lock"), say, async () => makeEnvironment(python));
  process.exitCode = check(process.argv.slice(2));
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

/** A stamp says what the environment was made from; it is written last, so that half of one is made anew. */
function makeEnvironment({ command, version }) {
  const requirements = join(folder, "requirements-test.txt");
  const wanted = createHash("sha256").update(version).update(readFileSync(requirements)).digest("hex");
  const stamp = join(venv, "made-from");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  say(`making the environment for Python ${version} ...`);
  rmSync(venv, { recursive: true, force: true });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
  if (!does(command, ["-m", "venv", venv]) || !does(join(bin, "python"), pip))
    throw new Error("the environment could not be made; what was said is above");
  writeFileSync(stamp, wanted);
}

/** Everything runs, so that one run shows everything; 1 when any of it failed. */
function check(args) {
  const tests = ["-m", "pytest", ...args];
  const sources = ["--config", "pyproject.toml", ".", join(root, "examples", "python")];
  const lines = [
    ["-m", "ruff", "check", ...sources],
    ["-m", "ruff", "format", "--check", ...sources],
    ["-m", "mypy"],
    tests,
  ];
  const failed = (args.length > 0 ? [tests] : lines).filter((line) => !does(join(bin, "python"), line));
  return failed.length === 0 ? 0 : 1;
}

function does(command, args) {
  const stdio = ["ignore", "inherit", "inherit"];
  return spawnSync(command, args, { cwd: folder, stdio, timeout: 10 * minuteMs }).status === 0;
}
