/**
 * The words with which bubblewrap is told what a process may see: the system read-only, temporary files and a HOME of its own, its
 * working directory, and nothing else of the machine. Pure: what there is to be shown is found out elsewhere (`sandbox-view.ts`).
 *
 * The words travel through a pipe and not as arguments, since they hold the environment, and arguments are for everybody to read.
 * They make the environment anew, because the launcher's own must hold nothing that a spec says: a library to be loaded into
 * bubblewrap would run outside.
 */

/** A directory of the system, as it stands there. */
export type SystemRoot =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly to: string };

/** What a process sees. All paths are absolute. */
export interface SandboxView {
  readonly roots: readonly SystemRoot[];
  /** Files and directories beside the roots that it reads. */
  readonly readable: readonly string[];
  /** What it may not read below a root though it could: shown empty. */
  readonly hidden: readonly { readonly path: string; readonly isDirectory: boolean }[];
  /** The manager's own data, of which it sees nothing but `home`, wherever it lies. */
  readonly data: string;
  readonly home: string;
  /** Existing paths it may write to. */
  readonly writable: readonly string[];
  /** Names under which some of them go besides. */
  readonly links: readonly { readonly path: string; readonly to: string }[];
  /** Where it begins. */
  readonly cwd: string;
  readonly network: "host" | "none";
  /** What its temporary files may take; they are kept in memory. */
  readonly temporaryBytes: number;
  readonly env: Readonly<Record<string, string>>;
}

/** The words for bubblewrap, without the command. */
export function sandboxWords(view: SandboxView): readonly string[] {
  return [...shutOff(view), ...files(view), ...environment(view.env), "--chdir", view.cwd];
}

/** As bubblewrap reads them from a pipe (`--args`). */
export function wordsAsBytes(words: readonly string[]): Buffer {
  return Buffer.from(words.map((word) => `${word}\0`).join(""));
}

function shutOff({ network }: SandboxView): readonly string[] {
  return [
    "--unshare-all",
    ...(network === "host" ? ["--share-net"] : []),
    "--die-with-parent",
    // A terminal of the manager is not the server's to type on (CVE-2017-5226).
    "--new-session",
    ...["--cap-drop", "ALL"],
  ];
}

function files(view: SandboxView): readonly string[] {
  const size = ["--size", String(view.temporaryBytes)];
  return [
    ...view.roots.flatMap((root) =>
      root.kind === "link" ? ["--symlink", root.to, root.path] : ["--ro-bind", root.path, root.path],
    ),
    ...view.hidden.flatMap(({ path, isDirectory }) =>
      isDirectory ? ["--tmpfs", path] : ["--ro-bind", "/dev/null", path],
    ),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...["--perms", "1777", ...size, "--tmpfs", "/tmp", "--perms", "1777", ...size, "--tmpfs", "/dev/shm"],
    ...outermostFirst(view.readable).flatMap((path) => ["--ro-bind", path, path]),
    ...outermostFirst(view.writable).flatMap((path) => ["--bind", path, path]),
    ...view.links.flatMap(({ path, to }) => ["--symlink", to, path]),
    // Last, so that no path above it shows the manager's keys.
    ...["--perms", "0700", "--tmpfs", view.data, "--bind", view.home, view.home, "--remount-ro", view.data],
    // Root's own settings of the kernel (core_pattern) are root's to write, with every capability taken away too.
    ...["/proc", "/dev", "/"].flatMap((path) => ["--remount-ro", path]),
  ];
}

/** What is inside another is shown after it, or it would be covered. */
function outermostFirst(paths: readonly string[]): readonly string[] {
  return paths.toSorted((a, b) => a.length - b.length);
}

function environment(env: Readonly<Record<string, string>>): readonly string[] {
  return ["--clearenv", ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value])];
}
