#!/usr/bin/env -S node --conditions=mcp-manager-source
/**
 * The program `mcp-manager`: finds a Node that is new enough and starts the command line on it. Plain JavaScript that old Nodes
 * can read, because it is what has to tell them so. In a checkout the sources are run as they are; in an installed package the
 * built files are.
 */
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const nodeMajorMin = 24;
/** Marks the second start, so that there is no third. */
const marker = "MCP_MANAGER_RESTARTED";

const self = realpathSync(fileURLToPath(import.meta.url));
const root = dirname(dirname(self));
const sources = join(root, "src", "main.ts");
const isCheckout = existsSync(sources);
const isNewEnough = Number(process.versions.node.split(".")[0]) >= nodeMajorMin;
const runsSources = process.execArgv.includes("--conditions=mcp-manager-source");

if (isNewEnough && (runsSources || !isCheckout)) {
  delete process.env[marker];
  await import(pathToFileURL(isCheckout ? sources : join(root, "dist", "main.js")).href);
} else if (isNewEnough) {
  restart(process.execPath);
} else {
  const newer = findNode(root);
  if (newer === undefined || process.env[marker] !== undefined) refuse();
  else restart(newer);
}

/** The Node that the checkout's `npm install` brought. */
function findNode(start) {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function refuse() {
  const what = isCheckout
    ? "run npm install in the checkout, which brings one, or install it from https://nodejs.org"
    : "install it from https://nodejs.org";
  process.stderr.write(`mcp-manager: Node ${nodeMajorMin} or newer is needed, this is ${process.version}: ${what}\n`);
  process.exitCode = 1;
}

/** Goes on in another Node: in this process's place where the system can do that, else in a child that is waited for. */
function restart(node) {
  // A call's garbage dies young in 4 MB as it does in the usual 16, and 35 MB less are held; long answers are freed sooner.
  const args = [
    ...(isCheckout ? ["--conditions=mcp-manager-source"] : []),
    "--max-semi-space-size=4",
    self,
    ...process.argv.slice(2),
  ];
  // Turning the sources into JavaScript takes half a second and 40 MB for good: from the second start on what was made is taken.
  const compiled = isCheckout ? { NODE_COMPILE_CACHE: join(dirname(dirname(root)), ".cache", "compiled") } : {};
  const env = { ...compiled, ...process.env, [marker]: "1" };
  if (typeof process.execve === "function" && process.platform !== "win32") process.execve(node, [node, ...args], env);
  const child = spawn(node, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`mcp-manager: cannot start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}
