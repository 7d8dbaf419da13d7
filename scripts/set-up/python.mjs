/** Which Python the package in clients/python is tested with. Installs nothing. */
import { spawnSync } from "node:child_process";

const ask = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3])))";
const minorMin = 10;

/** `{command, version}`, or `{problem}` in words. */
export function findPython() {
  const { status, stdout } = spawnSync("python3", ["-c", ask], { encoding: "utf8" });
  const version = stdout?.trim() ?? "";
  if (status !== 0) return { problem: `Python 3.${minorMin} or newer with venv is needed, as python3 in the PATH` };
  const [major, minor] = version.split(".").map(Number);
  if (major < 3 || (major === 3 && minor < minorMin))
    return { problem: `Python 3.${minorMin} or newer is needed, python3 is ${version}` };
  return { command: "python3", version };
}
