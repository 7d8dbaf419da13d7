/**
 * Small files that only their owner may read, made once and never half: keys. A file of that name that is there already is never
 * replaced, so that two managers that start at the same time end up with the same one.
 */
import { chmod, link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ManagerError } from "@mcp-manager/api";
import { shortId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";

/** What was found or made. */
export interface PrivateFile {
  readonly text: string;
  readonly isNew: boolean;
}

const fileBytesMax = 65_536;

/**
 * The file's text; when there is none it is made with `content()`, mode 0600, and on the disk before this resolves. One that others could
 * read is narrowed to 0600. Rejects with `failed_precondition` when it can't be read or made.
 */
export async function readOrCreate(path: string, content: () => string, random: Random): Promise<PrivateFile> {
  try {
    const text = await readPrivate(path);
    if (text !== undefined) return { text, isNew: false };
    const made = await create(path, content(), random);
    if (made) return { text: (await readPrivate(path)) ?? "", isNew: true };
    return { text: (await readPrivate(path)) ?? "", isNew: false };
  } catch (error) {
    if (error instanceof ManagerError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ManagerError("failed_precondition", `cannot use the key file ${path}: ${why}`, { cause: error });
  }
}

async function readPrivate(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch((error: unknown) => {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (facts === undefined) return undefined;
  if (!facts.isFile() || facts.size > fileBytesMax) {
    throw new ManagerError("failed_precondition", `${path} is not a key file: move it out of the way and start again`);
  }
  if ((facts.mode & 0o077) !== 0) await chmod(path, 0o600);
  return readFile(path, "utf8");
}

/** Whether this call made it: `link` fails when somebody else was first. */
async function create(path: string, text: string, random: Random): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${shortId(random, 8)}.tmp`;
  try {
    await writeDurably(draft, text);
    await link(draft, path);
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(text);
  await file.sync();
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
