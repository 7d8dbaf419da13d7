/**
 * Finds the program of a server before it is started, so that what is missing is said in words rather than as an exit status.
 * Reads the file system only; a program that vanishes afterwards still fails, later and less clearly.
 */
import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { ManagerError } from "@mcp-manager/api";

/** What to look for, and where. */
export interface CommandQuery {
  /** Name of the server, for messages. */
  readonly server: string;
  /** A name that is looked up on `path`, or a path, which starts from `cwd`. */
  readonly command: string;
  /** Working directory; undefined is the manager's own. */
  readonly cwd: string | undefined;
  /** `PATH` as the child will see it; undefined stands for the usual system directories. */
  readonly path: string | undefined;
}

const usualPath = ["/usr/local/bin", "/usr/bin", "/bin"].join(delimiter);

/** The absolute path of the program; undefined when it is not found. */
export async function lookUp(query: CommandQuery): Promise<string | undefined> {
  for (const candidate of candidatesOf(query)) if ((await look(candidate)) === "program") return candidate;
  return undefined;
}

/** The absolute path of the program. Rejects with `failed_precondition` when it, or the working directory, can't be used. */
export async function findCommand(query: CommandQuery): Promise<string> {
  if (query.cwd !== undefined) await checkDirectory(query.server, query.cwd);
  let unusable: string | undefined;
  for (const candidate of candidatesOf(query)) {
    const found = await look(candidate);
    if (found === "program") return candidate;
    if (found === "unusable") unusable ??= candidate;
  }
  throw refusal(query, unusable);
}

function candidatesOf({ command, cwd, path }: CommandQuery): string[] {
  if (command.includes("/")) return [resolve(cwd ?? ".", command)];
  const directories = (path ?? usualPath).split(delimiter).filter((directory) => directory !== "");
  return directories.map((directory) =>
    join(isAbsolute(directory) ? directory : resolve(cwd ?? ".", directory), command),
  );
}

async function look(path: string): Promise<"program" | "unusable" | "missing"> {
  try {
    if (!(await stat(path)).isFile()) return "unusable";
  } catch {
    return "missing";
  }
  return access(path, constants.X_OK).then(
    () => "program",
    () => "unusable",
  );
}

function refusal({ server, command, cwd }: CommandQuery, unusable: string | undefined): ManagerError {
  const where = command.includes("/") ? (isAbsolute(command) ? "" : ` from ${resolve(cwd ?? ".")}`) : " on the PATH";
  const advice = "install it, or give its full path in spec.source.command";
  const text =
    unusable === undefined
      ? `the command "${command}" was not found${where}; ${advice}`
      : `the command "${command}" can't be run: ${unusable} is no executable file; make it one, or ${advice}`;
  return new ManagerError("failed_precondition", `server "${server}": ${text}`, {
    reason: "COMMAND_NOT_FOUND",
    server,
  });
}

async function checkDirectory(server: string, cwd: string): Promise<void> {
  const problem = await stat(cwd).then(
    async (facts) => {
      if (!facts.isDirectory()) return "is not a directory";
      return access(cwd, constants.X_OK).then(
        () => undefined,
        () => "may not be entered by the manager's user",
      );
    },
    () => "does not exist",
  );
  if (problem === undefined) return;
  const text = `server "${server}": the working directory ${cwd} ${problem}; make it usable, or change spec.source.cwd`;
  throw new ManagerError("failed_precondition", text, { reason: "WORKING_DIRECTORY_UNUSABLE", server });
}
