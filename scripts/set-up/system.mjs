/** Debian packages that suites need: installed where we may, named where we may not. Nothing else on the system is touched. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { findPython } from "./python.mjs";

/** What must be in the PATH, or there by another test, which package brings it, and the suites that are skipped without it. */
const needs = [
  { command: "git", package: "git", suites: ["tidy"], why: "lists the files that the house rules are about" },
  { command: "chromium", package: "chromium", suites: ["browser"], why: "runs the client in a real browser" },
  { command: "bwrap", package: "bubblewrap", suites: ["sandboxes"], why: "shuts servers off from the machine" },
  {
    command: "python3 of 3.10 or newer with venv",
    isThere: () => findPython().problem === undefined,
    package: "python3-venv",
    suites: ["python"],
    why: "runs the tests of the Python package",
  },
];

/** Packages that are missing, each with its row. */
export function missingPackages() {
  return needs.filter((need) => !(need.isThere?.() ?? isInPath(need.command)));
}

/** Leaves what it cannot install; `missingPackages` tells the caller of the suites. */
export function installSystemPackages(say) {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const names = missing.map((need) => need.package);
  for (const need of missing) say(`${need.command} is missing: ${need.why}`);
  const prefix = installer();
  if (prefix === undefined) {
    say(`without it these suites are skipped: ${missing.flatMap((need) => need.suites).join(", ")}`);
    say(`to have them, install ${names.join(" ")} (on Debian: sudo apt-get install ${names.join(" ")})`);
    return;
  }
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args];
    return spawnSync(command, rest, { stdio: "inherit" }).status === 0;
  };
  const isDone = apt("update", "-qq") && apt("install", "-y", "-qq", "--no-install-recommends", ...names);
  say(isDone ? `installed ${names.join(" ")}` : `apt-get could not install ${names.join(" ")}; what it said is above`);
}

/** What goes before `apt-get`: nothing for root, sudo where it asks no password; undefined where we may not install. */
function installer() {
  if (!isInPath("apt-get")) return undefined;
  if (process.getuid?.() === 0) return [];
  const isFree = isInPath("sudo") && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0;
  return isFree ? ["sudo", "-n"] : undefined;
}

function isInPath(command) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, command)));
}
