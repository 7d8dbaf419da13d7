/**
 * The runtime of child processes: POSIX only. Starts them without a shell in the sense of one that reads what a user wrote (see
 * `launch.ts`), each in a session of its own, within the best boundary there is and as far shut off as its sandbox says; notes them,
 * and sweeps what an earlier manager left behind.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import type { ProcessSource } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { shortId } from "../base/ids.ts";
import { invariant } from "../base/invariant.ts";
import type { Random } from "../base/random.ts";
import type { Boundary, BoundaryKind } from "./boundary.ts";
import { createBoundary } from "./boundary.ts";
import { sendWords } from "./bubblewrap.ts";
import { removeCgroup } from "./cgroup.ts";
import { isolationOf, memoryOf } from "./enforcement.ts";
import type { Environment } from "./environment.ts";
import type { Ground } from "./ground.ts";
import { layGround } from "./ground.ts";
import type { Plan } from "./plan.ts";
import { isInside, planRun } from "./plan.ts";
import { identityOf } from "./process-identity.ts";
import type { TreeNames } from "./process-tree.ts";
import { removeRecord, writeRecord } from "./run-record.ts";
import { RunningProcess } from "./running-process.ts";
import type { Running, Runtime, StartRequest } from "./runtime.ts";
import type { SandboxPolicy } from "./sandbox-level.ts";
import { startError } from "./start-error.ts";
import type { StopTimes } from "./stop-ladder.ts";
import { stopTimes } from "./stop-ladder.ts";
import { sweep } from "./sweep.ts";

export interface ProcessRuntimeOptions {
  /** Must exist; `run/` and `homes/` below it are ours. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  /** The manager's own environment, of which children see a short list. */
  readonly baseEnv: Environment;
  /** Default: everything is started as its spec says. */
  readonly sandbox?: SandboxPolicy;
  /** Default: 5 s each. */
  readonly stopTimes?: StopTimes;
  /** The strongest boundary to use. Default `cgroup`, with what is next where there is none. */
  readonly boundary?: BoundaryKind;
}

const asTheSpecSays: SandboxPolicy = { default: "trusted", minimum: "trusted" };

/** Makes the runtime; touches nothing until it is used. */
export function createProcessRuntime(options: ProcessRuntimeOptions): Runtime<ProcessSource> {
  let ground: Promise<Ground> | undefined;
  const lay = (): Promise<Ground> => (ground ??= layGround(options));
  return {
    async start(request) {
      return start(request, options, await lay());
    },
    async sweep() {
      const { records, owner, platform } = await lay();
      return sweep({ records, owner, platform, clock: options.clock });
    },
  };
}

async function start(
  request: StartRequest<ProcessSource>,
  options: ProcessRuntimeOptions,
  ground: Ground,
): Promise<Running> {
  const { name, server } = request;
  invariant(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name), `"${name}" is fit for a file name`);
  const id = `${name}-${shortId(options.random, 10)}`;
  const { dataDir, baseEnv, sandbox: policy = asTheSpecSays } = options;
  const plan = await planRun({ id, request, dataDir, baseEnv, policy }, ground);
  const boundary = await createBoundary(ground.platform, id, request.limits);
  try {
    const child = spawnAs(plan, boundary);
    // From here to the return nothing waits: what runs is noted and listened to in the turn in which it began.
    if (child.pid === undefined) throw await firstError(child);
    if (plan.words !== undefined) sendWords(child.stdio[3], plan.words);
    const tree = { id, pid: child.pid, cgroup: boundary.cgroup, isInside: isInside(plan, boundary) };
    return adopt(child, tree, { request, options, ground, boundary, plan });
  } catch (error) {
    if (boundary.cgroup !== undefined) await removeCgroup(boundary.cgroup);
    throw startError(server, error);
  }
}

function spawnAs({ launch, cwd, env, words }: Plan, boundary: Boundary): ChildProcessWithoutNullStreams {
  const { file, args } = launch(boundary);
  const pipes = ["pipe", "pipe", "pipe", ...(words === undefined ? [] : ["pipe" as const])] as const;
  return spawn(file, args, { cwd, env, detached: true, stdio: [...pipes] });
}

interface Adoption {
  readonly request: StartRequest<ProcessSource>;
  readonly options: ProcessRuntimeOptions;
  readonly ground: Ground;
  readonly boundary: Boundary;
  readonly plan: Plan;
}

function adopt(child: ChildProcessWithoutNullStreams, tree: TreeNames, adoption: Adoption): Running {
  const { request, options, ground, boundary, plan } = adoption;
  const { records, owner, watch } = ground;
  const { limits } = request;
  const inForce = { boundary, sandbox: plan.sandbox, limits, isWatched: watch !== undefined };
  const running = new RunningProcess(child, {
    tree,
    isolation: isolationOf(inForce),
    memory: memoryOf(inForce),
    stderr: request.stderr,
    times: options.stopTimes ?? stopTimes,
    clock: options.clock,
    watch: (exceeded) =>
      watch?.add({
        tree,
        memoryBytesMax: boundary.memoryUnbounded === undefined ? undefined : limits.memoryBytes,
        processesMax: boundary.boundsProcesses ? undefined : limits.processesMax,
        exceeded,
      }) ?? (() => undefined),
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

function firstError(child: ChildProcessWithoutNullStreams): Promise<Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
  });
}
