/**
 * How one process is to be started: what a spec asks for, made into what is handed to the operating system. A sandboxed one gets its
 * environment and its directory from bubblewrap, and bubblewrap's own environment holds nothing of the spec.
 */
import type { ProcessSource } from "@mcp-manager/api";
import type { Boundary } from "./boundary.ts";
import { sandboxRefusal } from "./bubblewrap.ts";
import { tasksPerProcess } from "./cgroup.ts";
import { findCommand } from "./command.ts";
import type { Environment } from "./environment.ts";
import { childEnvironment } from "./environment.ts";
import type { Ground } from "./ground.ts";
import type { Invocation } from "./launch.ts";
import { bounded, dyingWithParent, inPidNamespace, withinBubblewrap, withTasksMax } from "./launch.ts";
import { runMark } from "./run-mark.ts";
import type { StartRequest } from "./runtime.ts";
import { sandboxWords, wordsAsBytes } from "./sandbox.ts";
import type { EffectiveSandbox, SandboxPolicy } from "./sandbox-level.ts";
import { effectiveSandbox } from "./sandbox-level.ts";
import { sandboxView } from "./sandbox-view.ts";

/** What is to be run, and where. */
export interface PlanInput {
  /** Of the run. */
  readonly id: string;
  readonly request: StartRequest<ProcessSource>;
  readonly dataDir: string;
  readonly baseEnv: Environment;
  readonly policy: SandboxPolicy;
}

/** A start that can be carried out. */
export interface Plan {
  readonly sandbox: EffectiveSandbox;
  /** Of what is spawned. */
  readonly cwd: string | undefined;
  readonly env: Environment;
  /** What bubblewrap is to be sent; undefined where the server is not shut off. */
  readonly words: Buffer | undefined;
  /** What to spawn within a boundary. */
  launch(boundary: Boundary): Invocation;
}

/** Whether the server will have a PID namespace of its own. */
export function isInside({ words }: Plan, { kind }: Boundary): boolean {
  return words !== undefined || kind === "pid-namespace";
}

/** Rejects with `failed_precondition` when it can't be started as asked. */
export async function planRun(input: PlanInput, ground: Ground): Promise<Plan> {
  const { id, request, baseEnv, policy } = input;
  const { server, source } = request;
  const sandbox = effectiveSandbox(server, request.sandbox, policy);
  const env: Record<string, string> = { ...childEnvironment(baseEnv, source.env), [runMark]: id };
  const { cwd } = source;
  const file = await findCommand({ server, command: source.command, cwd, path: env["PATH"] });
  const program: Invocation = { file, args: source.args };
  return sandbox.level === "trusted"
    ? trusted({ sandbox, cwd, env, program }, ground)
    : shutOff({ sandbox, cwd, env, program }, input, ground);
}

interface Draft {
  readonly sandbox: EffectiveSandbox;
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly program: Invocation;
}

function trusted({ program, ...rest }: Draft, ground: Ground): Plan {
  return {
    ...rest,
    words: undefined,
    launch({ kind, cgroup }) {
      const { platform } = ground;
      const isApart = kind === "pid-namespace" && platform.kind === "pid-namespace";
      return begun(isApart ? inPidNamespace(platform.bubblewrap, program) : program, cgroup, ground);
    },
  };
}

async function shutOff(draft: Draft, { id, request, dataDir, baseEnv }: PlanInput, ground: Ground): Promise<Plan> {
  const { sandbox, cwd, env, program } = draft;
  const { server, limits } = request;
  const bubblewrap = await ground.bubblewrap();
  if ("unavailable" in bubblewrap) throw sandboxRefusal(server, sandbox, bubblewrap);
  const command = program.file;
  const temporaryBytes = limits.memoryBytes;
  const wanted = { server, command, cwd, env, baseEnv, dataDir, sandbox, temporaryBytes };
  const view = await sandboxView(wanted, bubblewrap.system);
  const { prlimit } = ground.rlimits;
  return {
    sandbox,
    cwd: "/",
    env: { [runMark]: id },
    words: wordsAsBytes(sandboxWords(view)),
    launch({ cgroup, boundsProcesses }) {
      const tasksMax = limits.processesMax * tasksPerProcess;
      const own = prlimit === undefined || boundsProcesses ? program : withTasksMax(prlimit, tasksMax, program);
      return begun(withinBubblewrap(bubblewrap.path, own), cgroup, ground);
    },
  };
}

function begun(inner: Invocation, cgroup: string | undefined, { setpriv, rlimits }: Ground): Invocation {
  const mortal = setpriv === undefined ? inner : dyingWithParent(setpriv, inner);
  return bounded({ cgroup, openFilesMax: rlimits.openFilesMax }, mortal);
}
