/** Runs the load generators and reads what they print. A wrong answer fails the run: a fast refusal is not a result. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Door, smallCall, type Target } from "./contestant.ts";
import { bench } from "./paths.ts";

const run = promisify(execFile);

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** How long the generator itself was kept from its core; known of `pace` only. */
  readonly heldUpSeconds: number;
  /** Share of the requests whose latency is not counted because of that, from 0 to 1. */
  readonly leftOut: number;
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
  readonly heldUpUs?: number;
  readonly leftOut?: number;
  readonly sample: string;
}

/** As many requests as the connections carry, each with one at a time (wrk; load/pipe.ts over pipes, doors/execute-tool.ts over gRPC). */
export async function saturate(load: Load): Promise<LoadResult> {
  return read(load.target, await pinned(load, generator(load)));
}

function generator(load: Load): readonly string[] {
  const { command, door } = load.target;
  if (command !== undefined) return bun("pipe.ts", load);
  if (door === undefined) return mcpCalls(load);
  if (door.kind === "rest") return restCalls(load, door);
  return [process.execPath, "--conditions=mcp-manager-source", `${bench}/doors/execute-tool.ts`, JSON.stringify(load)];
}

function mcpCalls(load: Load): readonly string[] {
  const { target } = load;
  const { method, answerBytesMin } = target.work ?? smallCall;
  const scriptArgs = [
    new URL(target.url).pathname,
    [target.tool, ...(target.otherTools ?? [])].join(","),
    target.era,
    target.authorization ?? "-",
    load.sessions.join(",") || "-",
    load.seed,
    method,
    String(answerBytesMin),
  ];
  return wrk(load, `${bench}/load/call.lua`, target.url, scriptArgs);
}

function restCalls(load: Load, { url, server }: Door): readonly string[] {
  const { tool, authorization = "" } = load.target;
  const path = `/api/v1/servers/${server}/tools/${tool}/call`;
  return wrk(load, `${bench}/doors/rest.lua`, url, [path, authorization, load.seed]);
}

function wrk(load: Load, script: string, url: string, scriptArgs: readonly string[]): readonly string[] {
  const args = ["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "10s"];
  return ["wrk", ...args, "-s", script, url, "--", ...scriptArgs];
}

/** `perSecond` requests, evenly spread over time whether answers come or not (load/paced.ts). */
export async function pace(load: Load, perSecond: number): Promise<LoadResult> {
  // The class that yields to all others: it spins, and must not take the core from the upstream beside it.
  const idle = ["chrt", "--idle", "0"];
  return read(load.target, await pinned(load, [...idle, ...bun("paced.ts", { ...load, perSecond })]));
}

function bun(script: string, options: object): string[] {
  return [`${bench}/node_modules/.bin/bun`, `${bench}/load/${script}`, JSON.stringify(options)];
}

async function pinned(load: Load, command: readonly string[]): Promise<string> {
  const limits = { timeout: (load.seconds + 30) * 1_000, maxBuffer: 2 ** 24 };
  return (await run("taskset", ["-c", String(load.core), ...command], limits)).stdout;
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
    heldUpSeconds: (printed.heldUpUs ?? 0) / 1e6,
    leftOut: printed.leftOut ?? 0,
  };
}
