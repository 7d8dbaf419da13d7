/**
 * The configuration file: reads it and sorts its documents into settings of ours, Server resources and clients' files. What the
 * parts mean is their own modules' business.
 */
import { readFileSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { ManagerError } from "@mcp-manager/api";
import type { Found } from "./candidate.ts";
import { problemAt } from "./candidate.ts";
import { readClientFile } from "./client-formats.ts";
import type { ConfigDocument } from "./document.ts";
import { parseDocuments } from "./document.ts";
import { isRecord } from "./field-path.ts";
import { merge, readResources, readServers } from "./own-servers.ts";

/** Configurations are small; a file that is not is the wrong one, and would take seconds to read. */
const bytesMax = 4 * 1024 * 1024;
const nothing: Found = { candidates: [], problems: [], notes: [] };

/** What a file holds. */
export interface FileContent extends Found {
  /** The document with settings. */
  readonly own: ConfigDocument | undefined;
  /** Whether there is a file, and nothing in it. */
  readonly isEmpty: boolean;
}

/** The content of `file`; nothing when there is no file. Throws `invalid_argument` when it cannot be read or parsed. */
export function readConfiguration(file: string | undefined, read: (path: string) => string): FileContent {
  if (file === undefined) return { ...nothing, own: undefined, isEmpty: false };
  const sorted = parseDocuments(file, readText(file, read)).map((document) => {
    const others = readResources(document) ?? readClientFile(document);
    return { document, others };
  });
  const [own, second] = sorted.filter(({ others }) => others === undefined).map(({ document }) => document);
  const parts = sorted.flatMap(({ others }) => others ?? []);
  const found = merge([...parts, ownServers(own), tooMany(second)]);
  return { own: isRecord(own?.value) ? own : undefined, isEmpty: sorted.length === 0, ...found };
}

/** The real `readFile` of `loadConfig`: the text of a file that is not too large. */
export function readConfigFile(path: string): string {
  if (statSync(path).size > bytesMax) throw tooLarge();
  return readFileSync(path, "utf8");
}

/** The same while others go on: for a file that is read again. A pipe was read once, and would be waited for without end. */
export async function readConfigFileAgain(path: string): Promise<string> {
  const facts = await stat(path);
  if (!facts.isFile()) throw new Error("only a regular file is read again");
  if (facts.size > bytesMax) throw tooLarge();
  return await readFile(path, "utf8");
}

function tooLarge(): Error {
  return new Error("it is larger than 4 MiB");
}

function readText(file: string, read: (path: string) => string): string {
  try {
    return read(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The error for a file whose text cannot be had. */
export function unreadable(file: string, error: unknown): ManagerError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const why = code === "ENOENT" ? "there is no such file" : error instanceof Error ? error.message : String(error);
  const message = `cannot read the configuration file ${file}: ${why}`;
  return new ManagerError("invalid_argument", message, { reason: "INVALID_CONFIG", cause: error });
}

function ownServers(document: ConfigDocument | undefined): Found {
  if (document === undefined) return nothing;
  if (isRecord(document.value)) return readServers(document, document.value["servers"]);
  return wrong(document, "something else", "settings and servers, or a client's mcpServers");
}

function tooMany(document: ConfigDocument | undefined): Found {
  return document === undefined
    ? nothing
    : wrong(document, "a second document with settings", "all settings and servers in one document");
}

function wrong(document: ConfigDocument, given: string, expected: string): Found {
  return { ...nothing, problems: [problemAt(document, [], { given, expected })] };
}
