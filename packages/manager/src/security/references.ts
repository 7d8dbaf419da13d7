/**
 * Replaces `${secret:name}`, `${env:NAME}` and `${file:/path}` in a server's environment, headers and arguments, at the moment it is
 * started. Secrets, the environment and the files come in as functions. What was put in is reported, so that it can be masked in what
 * the server prints.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { expandReferences, findReferences, ManagerError } from "@mcp-manager/api";
import type { Reference } from "@mcp-manager/api";

/** Where references are looked up. */
export interface ReferenceSources {
  /** The value of a variable; undefined when it is not set. */
  env(name: string): string | undefined;
  /** The content of a file; throws when it can't be read. `readSecretFile` is the real one. */
  file(path: string): string;
  /** The value of a secret; undefined when there is none of that name. Rejects with ManagerError when it cannot be opened. */
  secret(name: string): Promise<string | undefined>;
}

/** Values with their references replaced. */
export interface Resolved {
  readonly values: Readonly<Record<string, string>>;
  /** What was put in: to be masked in logs. */
  readonly secrets: readonly string[];
}

const fileBytesMax = 65_536;

/**
 * Replaces the references of `values`. `where` names them in errors: `spec.source.env of server weather`. What is no reference of ours
 * stays as it is written. Rejects with `failed_precondition` naming the secret, variable or file that is missing, and the value that
 * asks for it.
 */
export async function resolveReferences(
  values: Readonly<Record<string, string>>,
  where: string,
  sources: ReferenceSources,
): Promise<Resolved> {
  const put: string[] = [];
  const resolved: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    const user = `${name} in ${where}`;
    const opened = await openSecrets(value, user, sources);
    resolved[name] = expandReferences(value, (reference) => {
      const found = opened.get(reference.text) ?? lookUp(reference, user, sources);
      if (found !== reference.fallback && found !== reference.text) put.push(found);
      return found;
    });
  }
  return { values: resolved, secrets: put };
}

/** The secrets that a value has references to, by the reference. */
async function openSecrets(
  value: string,
  user: string,
  sources: ReferenceSources,
): Promise<ReadonlyMap<string, string>> {
  const opened = new Map<string, string>();
  for (const { text, source, key } of findReferences(value)) {
    if (source !== "secret") continue;
    const secret = await sources.secret(key);
    if (secret === undefined)
      throw missing(`the secret ${key} does not exist, and ${user} needs it: mcp-manager secret set ${key}`);
    opened.set(text, secret);
  }
  return opened;
}

function lookUp({ text, source, key, fallback }: Reference, user: string, sources: ReferenceSources): string {
  if (source === "env") {
    // An empty variable counts as none where there is a fallback, as in a shell's `:-`.
    const value = sources.env(key);
    if (value !== undefined && !(value === "" && fallback !== undefined)) return value;
    if (fallback !== undefined) return fallback;
    throw missing(
      `the environment variable ${key} is not set, and ${user} needs it: set it for the manager and restart it`,
    );
  }
  if (source !== "file") return text;
  try {
    // Editors and `echo` end a file with a newline that is no part of the secret.
    return sources.file(key).replace(/\r?\n$/, "");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw missing(`the file ${key}, which ${user} needs, cannot be read: ${why}`);
  }
}

function missing(message: string): ManagerError {
  return new ManagerError("failed_precondition", message, { reason: "REFERENCE_NOT_FOUND" });
}

/** A small regular file as text. Throws for anything else, at once: a pipe in its place must not stop the manager. */
export function readSecretFile(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) throw new Error("it is no regular file");
    if (facts.size > fileBytesMax) throw new Error(`it is larger than ${fileBytesMax} bytes`);
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
