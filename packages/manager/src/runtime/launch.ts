/**
 * How a program is started so that it belongs to its cgroup before it can fork, is held to its rlimits, and dies with the manager
 * where the platform offers that; and, where it is to be in a namespace, by bubblewrap. Each step replaces itself by the next
 * (`exec`), so what was started keeps the process id that was given out.
 *
 *   sh (limits, cgroup) ──exec──▶ setpriv (asks to die with its parent) ──exec──▶ the program
 *                                                                       ──exec──▶ sh ──exec──▶ bubblewrap ──▶ sh ──exec──▶ the program
 *
 * The shell here is not "a shell": its scripts are the constants below, and the program and its arguments are positional parameters,
 * which are expanded within quotes and never read as text to interpret. The alternatives are worse: placing the process after its
 * start lets what it forks in between escape, and a launcher in Node costs forty times as much per start.
 */
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";

/** A program with its arguments. */
export interface Invocation {
  readonly file: string;
  readonly args: readonly string[];
}

/** The shell of the scripts. */
export const shell = "/bin/sh";
/** `$1`: the cgroup, or nothing. `$2`: open files. What the platform does not let us bound stays as it is. */
const enter =
  'ulimit -c 0 2>/dev/null; ulimit -n "$2" 2>/dev/null; ' +
  'if [ -n "$1" ]; then echo 0 > "$1/cgroup.procs" || exit 125; fi; shift 2; exec "$@"';

/**
 * bubblewrap keeps the first three descriptors open as long as it lives. So that the end of a pipe means the end of the server's use of
 * it, stdin and stdout go past it under other numbers, which it hands on and closes.
 */
const setAside = 'exec 4<&0 5>&1 0</dev/null 1>/dev/null; exec "$@"';
const takeBack = 'exec 0<&4 1>&5 4<&- 5>&-; exec "$@"';
const pidNamespace = [
  ...["--unshare-pid", "--die-with-parent", "--new-session"],
  ...["--dev-bind", "/", "/", "--proc", "/proc"],
];
/** The descriptor from which bubblewrap reads its words. */
const wordsFrom = "3";

/** Begins in a cgroup, when there is one, and with at most so many open files; never leaves a core file. */
export interface Bounds {
  readonly cgroup: string | undefined;
  readonly openFilesMax: number;
}

/** The program `inner`, begun within bounds. */
export function bounded({ cgroup, openFilesMax }: Bounds, inner: Invocation): Invocation {
  return { file: shell, args: ["-c", enter, "sh", cgroup ?? "", String(openFilesMax), inner.file, ...inner.args] };
}

/** The program `inner`, killed by the kernel as soon as the thread that starts it is gone; `setpriv` is the tool's path. */
export function dyingWithParent(setpriv: string, inner: Invocation): Invocation {
  return { file: setpriv, args: ["--pdeathsig", "KILL", "--", inner.file, ...inner.args] };
}

/** The program `inner`, shut off by the words that bubblewrap, at this path, is sent on a fourth descriptor. */
export function withinBubblewrap(path: string, inner: Invocation): Invocation {
  const words = [path, "--args", wordsFrom, "--", shell, "-c", takeBack, "sh", inner.file, ...inner.args];
  return { file: shell, args: ["-c", setAside, "sh", ...words] };
}

/** The program `inner` in a PID namespace and otherwise where it would be; needs root, from whom it takes nothing. */
export function inPidNamespace(path: string, inner: Invocation): Invocation {
  const words = [path, ...pidNamespace, "--", shell, "-c", takeBack, "sh", inner.file, ...inner.args];
  return { file: shell, args: ["-c", setAside, "sh", ...words] };
}

/** The program `inner`, with at most so many threads and processes of its user in its user namespace; `prlimit` is the tool's path. */
export function withTasksMax(prlimit: string, tasksMax: number, inner: Invocation): Invocation {
  return { file: prlimit, args: [`--nproc=${tasksMax}`, "--", inner.file, ...inner.args] };
}

/** Whether this invocation of a program that does nothing works here. */
export function works(wrap: (inner: Invocation) => Invocation): Promise<boolean> {
  const { file, args } = wrap({ file: shell, args: ["-c", ":"] });
  return new Promise((resolve) => {
    execFile(file, args, { env: {} }, (error) => resolve(error === null));
  });
}

/** The path of util-linux's `setpriv`, when it is here and knows how; a part of every large distribution. */
export async function findSetpriv(): Promise<string | undefined> {
  for (const path of ["/usr/bin/setpriv", "/bin/setpriv"]) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere && (await works((inner) => dyingWithParent(path, inner)))) return path;
  }
  return undefined;
}
