/**
 * The HOMEs of sandboxed servers, one for each server, below the data directory: kept from run to run, so that what `npx` fetched
 * stays. Removed when their server is no more.
 */
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../base/directory.ts";
import { invariant } from "../base/invariant.ts";

/** The HOME of a server, made when it is not there, mode 0700. */
export async function openHome(dataDir: string, server: string): Promise<string> {
  invariant(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(server), `"${server}" is fit for a file name`);
  const home = join(homesOf(dataDir), server);
  await makeDirectory(home);
  return home;
}

/** The directory of all of them, made when it is not there. */
export async function openHomes(dataDir: string): Promise<string> {
  const homes = homesOf(dataDir);
  await makeDirectory(homes);
  return homes;
}

/** Removes the HOME of a server that is no more. Never rejects: what can't be removed is taken up by the next `retainHomes`. */
export async function removeHome(dataDir: string, server: string): Promise<void> {
  const homes = homesOf(dataDir);
  // First out of the way: a server of the same name may be made at any moment, and must find nothing.
  const aside = join(homes, `.removed-${server}`);
  await rm(aside, { recursive: true, force: true }).catch(() => undefined);
  await rename(join(homes, server), aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true }).catch(() => undefined);
}

/** Removes the HOMEs of all but these servers. Called before anything runs. */
export async function retainHomes(dataDir: string, servers: ReadonlySet<string>): Promise<void> {
  const names = await readdir(homesOf(dataDir)).catch(() => []);
  for (const name of names) {
    if (name.startsWith(".removed-")) await rm(join(homesOf(dataDir), name), { recursive: true, force: true });
    else if (!servers.has(name)) await removeHome(dataDir, name);
  }
}

function homesOf(dataDir: string): string {
  return join(dataDir, "homes");
}
