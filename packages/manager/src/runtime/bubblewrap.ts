/**
 * Whether processes can be shut off on this machine: where bubblewrap is, and whether it works, by trying it with the same words
 * that runs are started with. Says what to install where it does not.
 */
import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { ManagerError } from "@mcp-manager/api";
import { openHomes } from "./homes.ts";
import type { Invocation } from "./launch.ts";
import { shell, withinBubblewrap } from "./launch.ts";
import { sandboxWords, wordsAsBytes } from "./sandbox.ts";
import type { EffectiveSandbox } from "./sandbox-level.ts";
import type { SystemView } from "./sandbox-view.ts";
import { systemView } from "./sandbox-view.ts";

/** What sandboxes are made with. */
export interface Bubblewrap {
  /** Path of the program. */
  readonly path: string;
  readonly system: SystemView;
}

/** Why there is none. */
export interface NoBubblewrap {
  readonly unavailable: string;
}

const places = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"];
const toInstall = "install the package bubblewrap (on Debian: apt-get install bubblewrap)";

/** Where bubblewrap is; undefined where it is not. */
export async function findBubblewrap(among: readonly string[] = places): Promise<string | undefined> {
  for (const path of among) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** Finds bubblewrap, where it usually is, and tries it. */
export async function probeBubblewrap(
  dataDir: string,
  among: readonly string[] = places,
): Promise<Bubblewrap | NoBubblewrap> {
  const path = await findBubblewrap(among);
  if (path === undefined) return { unavailable: `needs bubblewrap, which is not here: ${toInstall}` };
  const system = await systemView();
  const home = await openHomes(dataDir);
  const words = sandboxWords({
    ...system,
    data: dataDir,
    home,
    writable: [],
    links: [],
    cwd: "/",
    network: "none",
    temporaryBytes: 1 << 20,
    env: {},
  });
  const complaint = await complaintOf(withinBubblewrap(path, { file: shell, args: ["-c", ":"] }), wordsAsBytes(words));
  if (complaint === undefined) return { path, system };
  const advice = "the manager's user must be allowed to make user namespaces, and a container must let it mount /proc";
  return { unavailable: `needs bubblewrap, which does not work here (${complaint}): ${advice}` };
}

/** The refusal of a run for want of a sandbox. */
export function sandboxRefusal(
  server: string,
  { level }: EffectiveSandbox,
  { unavailable }: NoBubblewrap,
): ManagerError {
  const text = `server "${server}": the sandbox ${level} ${unavailable}; or set spec.sandbox to trusted`;
  return new ManagerError("failed_precondition", text, { server, reason: "SANDBOX_UNAVAILABLE" });
}

/** What it said last when it did not work. */
function complaintOf({ file, args }: Invocation, words: Buffer): Promise<string | undefined> {
  const child = spawn(file, args, { env: {}, stdio: ["ignore", "ignore", "pipe", "pipe"], timeout: 10_000 });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-1_000)));
  sendWords(child.stdio[3], words);
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => resolve(code === 0 ? undefined : said.trim().split("\n").at(-1)));
  });
}

/** Writes the words into the pipe from which bubblewrap reads them. What became of them is seen from how it ends. */
export function sendWords(pipe: unknown, words: Buffer): void {
  const writable = pipe as { end(words: Buffer): void; on(event: "error", listener: () => void): void } | null;
  writable?.on("error", () => undefined);
  writable?.end(words);
}
