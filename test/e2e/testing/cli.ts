/** The command line as users run it: a process of its own, against a running manager. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { ManagerProcess } from "./manager.ts";
import { compiled, root } from "./manager.ts";

const program = join(root, "packages/cli/bin/mcp-manager.js");

export interface CliOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface CliRun {
  /** The exit status, or the signal that ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that is still running. */
export class CliProcess {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  readonly exited: Promise<number | string>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal ?? -1)));
  }
}

/** Starts a command without waiting for it. `manager` is found as on a machine of one's own: by its URL and data directory. */
export function startCli(
  manager: ManagerProcess | undefined,
  words: readonly string[],
  { stdin = "", cwd, env }: CliOptions = {},
): CliProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("MCP_MANAGER_"));
  const where = manager === undefined ? {} : { MCP_MANAGER_URL: manager.url, MCP_MANAGER_DATA: manager.dataDir };
  const child = spawn(process.execPath, ["--conditions=mcp-manager-source", program, ...words], {
    env: { ...compiled, ...Object.fromEntries(inherited), ...where, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  // A command that does not read what is piped in may be gone before it is written.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  return new CliProcess(child);
}

/** Runs a command to its end; words may be one text, parted by spaces. */
export async function cli(
  manager: ManagerProcess | undefined,
  words: string | readonly string[],
  options: CliOptions = {},
): Promise<CliRun> {
  const running = startCli(manager, typeof words === "string" ? words.split(" ") : words, options);
  const status = await running.exited;
  return { status, stdout: running.stdout, stderr: running.stderr };
}
