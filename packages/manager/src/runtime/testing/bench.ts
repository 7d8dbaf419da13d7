/** A runtime of processes for tests: with a stop ladder that is climbed down in a fifth of a second, and a look at what is left. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { ProcessSource, Sandbox } from "@mcp-manager/api";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { ProcessRuntimeOptions } from "../process.ts";
import { createProcessRuntime } from "../process.ts";
import type { RunLimits, Running, Runtime } from "../runtime.ts";
import { temporaryData } from "./platform.ts";

/** A shell's streams beside its run. */
export type Shell = Running & { readonly stdin: Writable; readonly stdout: Readable };

/** A runtime with a data directory of its own; disposing asserts that no record is left. */
export interface Bench extends AsyncDisposable {
  readonly runtime: Runtime<ProcessSource>;
  readonly dataDir: string;
  readonly stderr: readonly string[];
  start(source: Partial<ProcessSource>, rules?: Rules): Promise<Running>;
  /** `sh -c script`. */
  sh(script: string, source?: Partial<ProcessSource>, rules?: Rules): Promise<Shell>;
}

/** What a run is held to, where it is not the usual. */
export interface Rules {
  readonly sandbox?: Sandbox;
  readonly limits?: Partial<RunLimits>;
}

/** Makes one. */
export async function bench(options: Partial<ProcessRuntimeOptions> = {}): Promise<Bench> {
  const data = await temporaryData();
  const runtime = createProcessRuntime({
    dataDir: data.path,
    clock: systemClock,
    random: systemRandom,
    baseEnv: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/home/somebody", CANARY: "leaked" },
    stopTimes: { inputMs: 100, termMs: 100 },
    ...options,
  });
  const stderr: string[] = [];
  const start: Bench["start"] = (source, { sandbox = "trusted", limits } = {}) =>
    runtime.start({
      name: "weather-7-x",
      server: "weather",
      source: { kind: "process", command: "sh", args: [], env: {}, ...source },
      limits: { memoryBytes: 512 * 1024 * 1024, processesMax: 64, cpu: 1, ...limits },
      sandbox,
      stderr: { write: (line) => void stderr.push(line) },
    });
  return {
    runtime,
    dataDir: data.path,
    stderr,
    start,
    async sh(script, source = {}, rules = {}) {
      const running = await start({ args: ["-c", script], ...source }, rules);
      assert.ok(running.channel.kind === "stdio");
      return Object.assign(running, { stdin: running.channel.stdin, stdout: running.channel.stdout });
    },
    async [Symbol.asyncDispose]() {
      assert.deepEqual(await readdir(join(data.path, "run")), [], "no record is left");
      await data[Symbol.asyncDispose]();
    },
  };
}

/** What a process says of itself in its first line of numbers. */
export async function pidsFrom(stdout: Readable): Promise<readonly number[]> {
  const [chunk] = (await once(stdout, "data")) as [Buffer];
  return chunk.toString().trim().split(/\s+/).map(Number);
}
