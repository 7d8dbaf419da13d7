/**
 * Finds out what a sandboxed process has to see: the directories of the system that exist here, where its command lies, its working
 * directory. Refuses what must not be shown. Reads the file system and makes the HOME; starts nothing.
 */
import { lstat, readdir, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, sep } from "node:path";
import { ManagerError } from "@mcp-manager/api";
import { lookUp } from "./command.ts";
import type { Environment } from "./environment.ts";
import { caNames } from "./environment.ts";
import { openHome } from "./homes.ts";
import type { SandboxView, SystemRoot } from "./sandbox.ts";
import type { EffectiveSandbox } from "./sandbox-level.ts";

/** What every sandbox on this machine sees. */
export type SystemView = Pick<SandboxView, "roots" | "readable" | "hidden">;

/** One process that is to be shut off. */
export interface ViewRequest {
  readonly server: string;
  /** The program, as it was found. */
  readonly command: string;
  readonly cwd: string | undefined;
  /** With what the spec says; HOME and TMPDIR are set here unless the spec does. */
  readonly env: Readonly<Record<string, string>>;
  readonly baseEnv: Environment;
  readonly dataDir: string;
  readonly sandbox: EffectiveSandbox;
  readonly temporaryBytes: number;
}

const rootPaths = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt"];
/** Deeper in `/etc` nothing is looked for. */
const etcDepth = 4;

/** Looks at the machine; for every sandbox the same. */
export async function systemView(): Promise<SystemView> {
  const roots = (await Promise.all(rootPaths.map(systemRoot))).filter((root) => root !== undefined);
  const resolver = await realpath("/etc/resolv.conf").catch(() => undefined);
  const readable = resolver === undefined || isShown(resolver, roots) ? [] : [resolver];
  // Who isn't root can't read them anyway.
  const hidden = process.getuid?.() === 0 ? await unreadableIn("/etc", etcDepth) : [];
  return { roots, readable, hidden };
}

/** What this process sees. Rejects with `failed_precondition` when it asks for what can't be shown. */
export async function sandboxView(request: ViewRequest, system: SystemView): Promise<SandboxView> {
  const { server, cwd, sandbox, temporaryBytes, env } = request;
  const data = await realpath(request.dataDir);
  const home = await openHome(data, server);
  const place: Place = { server, data, home, shown: [...system.roots.map(({ path }) => path), home] };
  const asked = [...(cwd === undefined ? [] : [cwd]), ...sandbox.writable];
  const writable = await Promise.all(asked.map((path) => usable(place, path)));
  const readable = [...system.readable, ...(await programs(request)), ...(await authorities(request))];
  const shown = [...place.shown, ...readable, ...writable];
  const links = asked.flatMap((path, at) => {
    const to = writable[at] ?? path;
    return to === path || shown.some((other) => isWithin(path, other)) ? [] : [{ path, to }];
  });
  const unseen = readable.filter((path) => !place.shown.some((other) => isWithin(path, other)));
  const { network } = sandbox;
  const own = { roots: [...system.roots], hidden: system.hidden, readable: [...new Set(unseen)], writable, links };
  return {
    ...own,
    data,
    home,
    cwd: cwd ?? home,
    network,
    temporaryBytes,
    env: { ...env, ...usualPlaces(env, request, home) },
  };
}

/** HOME and TMPDIR of the manager are not there; what the spec sets stays. */
function usualPlaces(
  env: Readonly<Record<string, string>>,
  { baseEnv }: ViewRequest,
  home: string,
): Readonly<Record<string, string>> {
  return {
    ...(env["HOME"] === baseEnv["HOME"] ? { HOME: home } : {}),
    ...(env["TMPDIR"] !== undefined && env["TMPDIR"] === baseEnv["TMPDIR"] ? { TMPDIR: "/tmp" } : {}),
  };
}

interface Place {
  readonly server: string;
  readonly data: string;
  readonly home: string;
  readonly shown: readonly string[];
}

/** The real path behind one that a spec makes writable. */
async function usable({ server, data, home }: Place, path: string): Promise<string> {
  const refuse = (problem: string): ManagerError =>
    new ManagerError("failed_precondition", `server "${server}": the path ${path} ${problem}`, {
      server,
      reason: "SANDBOX_PATH_UNUSABLE",
    });
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined)
    throw refuse("can't be made writable in its sandbox: it does not exist; make it, or take it out");
  if (real === "/") throw refuse("can't be made writable in a sandbox, which would be none then: name what is needed");
  if (isWithin(real, data) && !isWithin(real, home))
    throw refuse("lies in the manager's data directory, which no server may see: choose another place");
  return real;
}

/** Where the command lies, and Node, which most scripts look for. */
async function programs({ server, command, cwd, env }: ViewRequest): Promise<readonly string[]> {
  const node = await lookUp({ server, command: "node", cwd, path: env["PATH"] });
  const files = [command, ...(node === undefined ? [] : [node])];
  const real = await Promise.all(files.map((file) => realpath(file)));
  const parts = await Promise.all([...files, ...real].flatMap(installationOf).map(existing));
  return parts.filter((part) => part !== undefined);
}

/** What has to be there for a program to run that was installed beside others: not the whole of what lies around it. */
function installationOf(file: string): readonly string[] {
  const modules = `${sep}node_modules${sep}`;
  const at = file.indexOf(modules);
  if (at !== -1) return [file.slice(0, at + modules.length - 1)];
  const directory = dirname(file);
  if (basename(directory) !== "bin") return [file];
  const prefix = dirname(directory);
  return [directory, join(prefix, "lib"), join(prefix, "pyvenv.cfg")];
}

/** Certificate authorities that the manager's own environment names. */
async function authorities({ baseEnv, env }: ViewRequest): Promise<readonly string[]> {
  const named = caNames.map((name) => (env[name] === baseEnv[name] ? env[name] : undefined));
  const paths = await Promise.all(named.filter((path) => path !== undefined && isAbsolute(path)).map(existing));
  return paths.filter((path) => path !== undefined);
}

async function existing(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return stat(path).then(
    () => path,
    () => undefined,
  );
}

async function systemRoot(path: string): Promise<SystemRoot | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isSymbolicLink() === true) return { kind: "link", path, to: await readlink(path) };
  return facts?.isDirectory() === true ? { kind: "directory", path } : undefined;
}

/** What below `directory` others than its owner and group may not read. */
async function unreadableIn(directory: string, depth: number): Promise<SystemView["hidden"]> {
  const names = await readdir(directory).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const facts = await lstat(path).catch(() => undefined);
      if (facts === undefined || facts.isSymbolicLink()) return [];
      const isDirectory = facts.isDirectory();
      const isOpen = (facts.mode & (isDirectory ? 0o005 : 0o004)) !== 0;
      if (!isOpen) return isDirectory || facts.isFile() ? [{ path, isDirectory }] : [];
      return isDirectory && depth > 1 ? unreadableIn(path, depth - 1) : [];
    }),
  );
  return found.flat();
}

function isShown(path: string, roots: readonly SystemRoot[]): boolean {
  return roots.some((root) => isWithin(path, root.path));
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}
