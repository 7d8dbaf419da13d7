/** The manager as users run it: the command line's `up` in a process of its own, on a free port, with a data directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "@mcp-manager/client";

export const root: string = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const program = join(root, "packages/cli/bin/mcp-manager.js");
/** A start that takes longer has hung; the longest thing in it is compiling the sources on a busy machine. */
const startMsMax = 60_000;

export interface StartOptions {
  /** Text of the configuration file, and a folder of the caller's that it goes into; a path to one that exists. Default: no file. */
  readonly config?: string | { readonly path: string } | { readonly text: string; readonly folder: string };
  /** Name of the file, which says what format it is in. Default `servers.yaml`. */
  readonly configName?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A directory that is kept by the caller. Default: a new one, removed at the end. */
  readonly dataDir?: string;
  /** A program and its arguments that goes on as Node: `["prlimit", "--nofile=256"]`. */
  readonly launcher?: readonly string[];
  /** What Node is started with beside the usual. */
  readonly nodeArgs?: readonly string[];
}

export class ManagerProcess implements AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly key: string;
  readonly #child: ChildProcess;
  readonly #output: Output;
  readonly #owned: string | undefined;

  constructor(
    child: ChildProcess,
    output: Output,
    url: string,
    key: string,
    dataDir: string,
    owned: string | undefined,
  ) {
    this.#child = child;
    this.#output = output;
    this.url = url;
    this.key = key;
    this.pid = child.pid ?? 0;
    this.dataDir = dataDir;
    this.#owned = owned;
  }

  /** What it has printed, the log included. */
  get output(): string {
    return this.#output.text;
  }

  /** Reads no more of what it prints, as if its terminal had gone. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  get client(): Client {
    return new Client({ url: this.url, key: this.key });
  }

  /** Sends a signal and resolves with the exit status, or the signal that ended it. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | string> {
    this.#child.kill(signal);
    return await this.exited;
  }

  get exited(): Promise<number | string> {
    return this.#output.exited;
  }

  /** Resolves when every one of these servers is ready, with how it went in the error when that does not come. */
  async serversReady(...names: readonly string[]): Promise<void> {
    await until(`servers ${names.join(", ")} ready`, async () => {
      const { servers } = await this.client.health();
      return names.every((name) => servers.some((server) => server.name === name && server.state === "ready"));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
    if (this.#owned !== undefined) await rm(this.#owned, { recursive: true, force: true });
  }
}

class Output {
  text = "";
  readonly exited: Promise<number | string>;

  constructor(child: ChildProcess) {
    const keep = (chunk: Buffer): void => {
      this.text = (this.text + chunk.toString()).slice(-200_000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    this.exited = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal ?? -1)));
  }
}

/** Starts one and waits until it says that it is ready. Rejects with what it printed when it does not come up. */
export async function startManager(options: StartOptions = {}): Promise<ManagerProcess> {
  const { child, output, dataDir, owned } = await spawnManager(options);
  const url = await readyUrl(output).catch(async (error: unknown) => {
    if (owned !== undefined) await rm(owned, { recursive: true, force: true });
    throw error;
  });
  const key = options.env?.["MCP_MANAGER_ADMIN_KEY"] ?? (await readFile(join(dataDir, "admin.key"), "utf8")).trim();
  return new ManagerProcess(child, output, url, key, dataDir, owned);
}

/** Starts one that is expected to end by itself; resolves with its status and what it printed. */
export async function runManager(options: StartOptions): Promise<{ status: number | string; output: string }> {
  const { output, owned } = await spawnManager(options);
  const status = await output.exited;
  if (owned !== undefined) await rm(owned, { recursive: true, force: true });
  return { status, output: output.text };
}

async function spawnManager(
  options: StartOptions,
): Promise<{ child: ChildProcess; output: Output; dataDir: string; owned: string | undefined }> {
  const owned = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), "mcp-manager-")) : undefined;
  const dataDir = options.dataDir ?? join(owned ?? "", "data");
  const config = await configPath(options, owned ?? dataDir);
  const [command, ...args] = [
    ...(options.launcher ?? []),
    process.execPath,
    ...(options.nodeArgs ?? []),
    "--conditions=mcp-manager-source",
    program,
    "up",
    ...(config === undefined ? [] : ["--config", config]),
    ...["--data", dataDir, "--port", "0"],
    ...(options.args?.includes("--grpc-port") === true ? [] : ["--grpc-port", "0"]),
    ...(options.args ?? []),
  ];
  const child = spawn(command ?? "", args, {
    env: { ...cleanEnv(), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { child, output: new Output(child), dataDir, owned };
}

async function configPath({ config, configName }: StartOptions, folder: string): Promise<string | undefined> {
  if (config === undefined) return undefined;
  if (typeof config !== "string" && "path" in config) return config.path;
  const { text, folder: own } = typeof config === "string" ? { text: config, folder } : config;
  const path = join(own, configName ?? "servers.yaml");
  await writeFile(path, text);
  return path;
}

/** The environment without what would change the manager under test. */
function cleanEnv(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MCP_MANAGER_")));
}

async function readyUrl(output: Output): Promise<string> {
  let ended: number | string | undefined;
  void output.exited.then((status) => (ended = status));
  let url: string | undefined;
  await until("the manager is ready, or has ended", () => {
    url = /\bready on (http:\/\/\S+)/.exec(output.text)?.[1];
    return Promise.resolve(url !== undefined || ended !== undefined);
  });
  if (url !== undefined) return url;
  throw new Error(`the manager ended with ${ended} before it was ready:\n${output.text}`);
}

/** Resolves when `isSo` holds, looked at every so often; rejects after a minute. */
export async function until(what: string, isSo: () => Promise<boolean>, everyMs = 25): Promise<void> {
  const endMs = performance.now() + startMsMax;
  let last: unknown;
  while (performance.now() < endMs) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  }
  throw new Error(`it never came: ${what}`, { cause: last });
}
