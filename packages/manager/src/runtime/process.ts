/**
 * The runtime of child processes: POSIX only. Starts them without a shell in the sense of one that reads what a user wrote (see
 * `launch.ts`), each in a session and, where there are cgroups, in a cgroup of its own; notes them, and sweeps what an earlier
 * manager left behind.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import type { ProcessSource } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { shortId } from "../base/ids.ts";
import { invariant } from "../base/invariant.ts";
import type { Random } from "../base/random.ts";
import type { Boundary, Platform } from "./boundary.ts";
import { createBoundary, probePlatform } from "./boundary.ts";
import { removeCgroup } from "./cgroup.ts";
import { findCommand } from "./command.ts";
import type { Environment } from "./environment.ts";
import { childEnvironment } from "./environment.ts";
import type { Invocation } from "./launch.ts";
import { dyingWithParent, findSetpriv, insideCgroup } from "./launch.ts";
import { identityOf } from "./process-identity.ts";
import { runMark } from "./run-mark.ts";
import type { TreeNames } from "./process-tree.ts";
import { openRecords, ownerOf, removeRecord, writeRecord } from "./run-record.ts";
import { RunningProcess } from "./running-process.ts";
import type { Running, Runtime, StartRequest } from "./runtime.ts";
import { startError } from "./start-error.ts";
import type { StopTimes } from "./stop-ladder.ts";
import { stopTimes } from "./stop-ladder.ts";
import { sweep } from "./sweep.ts";

export interface ProcessRuntimeOptions {
  /** Must exist; `run/` below it is ours. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  /** The manager's own environment, of which children see a short list. */
  readonly baseEnv: Environment;
  /** Default: 5 s each. */
  readonly stopTimes?: StopTimes;
  /** The strongest boundary to use. Default `cgroup`, with the process group where there is none. */
  readonly boundary?: "cgroup" | "process-group";
}

/** What is found out about the platform once, at the first use. */
interface Ground {
  readonly owner: string;
  readonly records: string;
  readonly platform: Platform;
  /** Path of the tool that makes a process die with the manager. */
  readonly setpriv: string | undefined;
}

/** Makes the runtime; touches nothing until it is used. */
export function createProcessRuntime(options: ProcessRuntimeOptions): Runtime<ProcessSource> {
  let ground: Promise<Ground> | undefined;
  return {
    async start(request) {
      return start(request, options, await (ground ??= layGround(options)));
    },
    async sweep() {
      const { records, owner, platform } = await (ground ??= layGround(options));
      return sweep({ records, owner, platform, clock: options.clock });
    },
  };
}

async function layGround({ dataDir, boundary }: ProcessRuntimeOptions): Promise<Ground> {
  const owner = await ownerOf(dataDir);
  const platform: Platform =
    boundary === "process-group"
      ? { kind: "process-group", reason: "cgroups are switched off" }
      : await probePlatform(owner);
  return { owner, platform, records: await openRecords(dataDir), setpriv: await findSetpriv() };
}

async function start(
  request: StartRequest<ProcessSource>,
  options: ProcessRuntimeOptions,
  ground: Ground,
): Promise<Running> {
  const { name, server, source } = request;
  invariant(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name), `"${name}" is fit for a file name`);
  const id = `${name}-${shortId(options.random, 10)}`;
  const env: Environment = { ...childEnvironment(options.baseEnv, source.env), [runMark]: id };
  const { cwd } = source;
  const file = await findCommand({ server, command: source.command, cwd, path: env["PATH"] });
  const boundary = await createBoundary(ground.platform, id, request.limits);
  try {
    const program = wrapped({ file, args: source.args }, boundary, ground);
    const child = spawn(program.file, program.args, { cwd, env, detached: true, stdio: "pipe" });
    // From here to the return nothing waits: what runs is noted and listened to in the turn in which it began.
    if (child.pid === undefined) throw await firstError(child);
    return adopt(child, { id, pid: child.pid, cgroup: boundary.cgroup }, { request, options, ground, boundary });
  } catch (error) {
    if (boundary.cgroup !== undefined) await removeCgroup(boundary.cgroup);
    throw startError(server, error);
  }
}

interface Adoption {
  readonly request: StartRequest<ProcessSource>;
  readonly options: ProcessRuntimeOptions;
  readonly ground: Ground;
  readonly boundary: Boundary;
}

function adopt(child: ChildProcessWithoutNullStreams, tree: TreeNames, adoption: Adoption): Running {
  const { request, options, ground, boundary } = adoption;
  const { records, owner } = ground;
  const running = new RunningProcess(child, {
    tree,
    isolation: boundary.isolation,
    memory: boundary.memory,
    stderr: request.stderr,
    times: options.stopTimes ?? stopTimes,
    clock: options.clock,
    forget: () => removeRecord(records, tree.id),
  });
  const leader = identityOf(tree.pid);
  try {
    const cgroup = tree.cgroup === undefined ? {} : { cgroup: tree.cgroup };
    // Where the platform does not tell processes apart, a later manager could not either.
    if (leader !== undefined) writeRecord(records, { id: tree.id, owner, leader, ...cgroup });
  } catch (error) {
    running.kill();
    throw error;
  }
  return running;
}

function wrapped(program: Invocation, { cgroup }: Boundary, { setpriv }: Ground): Invocation {
  const mortal = setpriv === undefined ? program : dyingWithParent(setpriv, program);
  return cgroup === undefined ? mortal : insideCgroup(cgroup, mortal);
}

function firstError(child: ChildProcessWithoutNullStreams): Promise<Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
  });
}
