/**
 * The admin key: the credential of whoever set the manager up. It comes from the environment, or is made on the first start and
 * kept in `<data>/admin.key`, where the command line on the same host finds it. Its text is never logged or printed.
 */
import { join } from "node:path";
import { ManagerError } from "@mcp-manager/api";
import type { Random } from "../base/random.ts";
import { keyDigest, mintKey } from "./api-key.ts";
import type { KeyEntry } from "./api-key.ts";
import { readOrCreate } from "./private-file.ts";

/** The key's entry for the table, and where its text is to be found. */
export interface AdminKey {
  readonly entry: KeyEntry;
  /** `created`: on this start, in `path`. */
  readonly source: "environment" | "file" | "created";
  /** Absolute when `dataDir` is; absent when the key is from the environment. */
  readonly path?: string;
  /** How to find it, for people: never the key itself. */
  readonly hint: string;
  /** What is not as it should be, such as a key that is easily guessed. */
  readonly warning?: string;
}

export interface AdminKeyOptions {
  readonly dataDir: string;
  /** The value of `MCP_MANAGER_ADMIN_KEY`; empty counts as absent. */
  readonly given: string | undefined;
  readonly random: Random;
}

/** The file's name in the data directory. */
const adminKeyFile = "admin.key";
const shortLength = 16;

/** Finds or makes the key. Rejects with `invalid_argument` or `failed_precondition` when it is there and can't be one. */
export async function loadAdminKey({ dataDir, given, random }: AdminKeyOptions): Promise<AdminKey> {
  if (given !== undefined && given !== "") return fromEnvironment(given);
  const path = join(dataDir, adminKeyFile);
  const { text, isNew } = await readOrCreate(path, () => `${mintKey(random, "admin").key}\n`, random);
  const key = text.trim();
  if (!isKeyText(key)) {
    const what = key === "" ? "is empty" : "does not hold a key (one word of visible ASCII characters)";
    throw new ManagerError("failed_precondition", `${path} ${what}: delete it, and the next start makes a new one`);
  }
  return { entry: entryOf(key), source: isNew ? "created" : "file", path, hint: `the admin key is in ${path}` };
}

function fromEnvironment(given: string): AdminKey {
  if (!isKeyText(given)) {
    const rule = "one word of visible ASCII characters, so that it can stand in a header";
    throw new ManagerError("invalid_argument", `MCP_MANAGER_ADMIN_KEY must be ${rule}`);
  }
  const isShort = given.length < shortLength;
  return {
    entry: entryOf(given),
    source: "environment",
    hint: "the admin key is the value of MCP_MANAGER_ADMIN_KEY",
    ...(isShort
      ? { warning: `MCP_MANAGER_ADMIN_KEY is shorter than ${shortLength} characters and can be guessed` }
      : {}),
  };
}

function entryOf(key: string): KeyEntry {
  return { principal: "admin", roles: ["admin"], digest: keyDigest(key) };
}

function isKeyText(text: string): boolean {
  return /^[!-~]{1,512}$/.test(text);
}
