/** Runs the load generators and reads what they print. A wrong answer fails the run: a fast refusal is not a result. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Target } from "./contestant.ts";

const run = promisify(execFile);

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface Load {
  readonly target: Target;
  readonly sessions: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  readonly core: number;
  /** Makes request ids of one run unlike those of the next. */
  readonly seed: string;
}

interface Printed {
  readonly requests: number;
  readonly durationUs: number;
  readonly errors: number;
  readonly bad: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly sample: string;
}

/** As many requests as the connections carry, each at a time (wrk). */
export async function saturate(load: Load): Promise<LoadResult> {
  const { target } = load;
  const script = new URL("../load/call.lua", import.meta.url).pathname;
  const url = new URL(target.url);
  const args = [
    "-c",
    String(load.core),
    "wrk",
    "-t1",
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    "--timeout",
    "10s",
    "-s",
    script,
    target.url,
  ];
  const script_args = [
    url.pathname,
    target.tool,
    target.era,
    target.authorization ?? "-",
    load.sessions.join(",") || "-",
    load.seed,
  ];
  return read(target, (await run("taskset", [...args, "--", ...script_args], { maxBuffer: 2 ** 24 })).stdout);
}

/** `perSecond` requests, evenly spread over time whether answers come or not (load/paced.ts). */
export async function pace(load: Load, perSecond: number): Promise<LoadResult> {
  const script = new URL("../load/paced.ts", import.meta.url).pathname;
  const options = JSON.stringify({ ...load, perSecond });
  // The lowest priority: it spins between sends, and must not take the core from the upstream beside it.
  const args = ["-c", String(load.core), "nice", "-n", "19", process.execPath, script, options];
  return read(load.target, (await run("taskset", args, { maxBuffer: 2 ** 24 })).stdout);
}

function read(target: Target, output: string): LoadResult {
  const line = output.split("\n").find((text) => text.startsWith("@@"));
  if (line === undefined) throw new Error(`the load generator said nothing of use about ${target.name}:\n${output}`);
  const printed = JSON.parse(line.slice(2).replaceAll("\\\n", "\\n")) as Printed;
  if (printed.bad > 0 || printed.errors > 0 || printed.requests === 0) {
    throw new Error(
      `${target.name}: ${printed.requests} answers, of them ${printed.bad} wrong, and ${printed.errors} failed requests; one wrong answer: ${printed.sample}`,
    );
  }
  const seconds = printed.durationUs / 1e6;
  return {
    requests: printed.requests,
    seconds,
    perSecond: printed.requests / seconds,
    p50Us: printed.p50Us,
    p99Us: printed.p99Us,
  };
}
