/**
 * How a program is started so that it belongs to its cgroup before it can fork, and dies with the manager where the platform offers
 * that. Each step replaces itself by the next (`exec`), so the program keeps the process id that was given out.
 *
 *   sh (enters the cgroup) ──exec──▶ setpriv (asks to die with its parent) ──exec──▶ the program
 *
 * The shell here is not "a shell": its script is the constant below, and the program and its arguments are positional parameters,
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

const shell = "/bin/sh";
const enterCgroup = 'echo 0 > "$1/cgroup.procs" || exit 125; shift; exec "$@"';

/** The program `inner`, begun inside the cgroup at `path`. */
export function insideCgroup(path: string, inner: Invocation): Invocation {
  return { file: shell, args: ["-c", enterCgroup, "sh", path, inner.file, ...inner.args] };
}

/** The program `inner`, killed by the kernel as soon as the thread that starts it is gone; `setpriv` is the tool's path. */
export function dyingWithParent(setpriv: string, inner: Invocation): Invocation {
  return { file: setpriv, args: ["--pdeathsig", "KILL", "--", inner.file, ...inner.args] };
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
