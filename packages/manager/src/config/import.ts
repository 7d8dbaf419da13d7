/**
 * A client's configuration file, read to be imported: each server by itself, so that one mistake refuses one server. Owns nothing but the
 * order of the steps; what a file looks like is known to the modules that the manager's own configuration is read with.
 */
import { dirname, isAbsolute } from "node:path";
import { invalidFields, ManagerError } from "@mcp-manager/api";
import type { ServerDraft } from "@mcp-manager/api";
import type { Candidate, Found } from "./candidate.ts";
import { problemAt } from "./candidate.ts";
import { formatsText, readClientFile } from "./client-formats.ts";
import type { ConfigDocument } from "./document.ts";
import { parseDocuments } from "./document.ts";
import { fieldText, isRecord, parseField, valueAt } from "./field-path.ts";
import { fillInputs } from "./inputs.ts";
import { blankComments, depthOf, isJson } from "./jsonc.ts";
import { merge, readResources, readServers } from "./own-servers.ts";
import type { Problem } from "./problem.ts";
import { checkServers } from "./servers.ts";
import { isToml } from "./toml.ts";

const bytesMax = 1024 * 1024;
const serversMax = 1_000;
const depthMax = 100;

/** One server of the file: checked, or what is wrong with it. */
export type ImportableServer =
  | { readonly kind: "read"; readonly name: string; readonly draft: ServerDraft; readonly notes: readonly string[] }
  | { readonly kind: "wrong"; readonly name: string; readonly error: ManagerError };

/** What a file holds. */
export interface ImportableFile {
  readonly servers: readonly ImportableServer[];
  /** What is to be said of the file as a whole. */
  readonly notes: readonly string[];
}

/**
 * Reads a file; `filename` says by its ending what it is, and where it lies. Throws `invalid_argument` when it is too large, cannot be
 * parsed, or is no configuration that is known.
 */
export function readImport(text: string, filename: string): ImportableFile {
  if (Buffer.byteLength(text) > bytesMax) throw invalid(`${filename} is larger than 1 MiB: import it in parts`);
  const documents = readDocuments(text, filename).map((document) => {
    const { value, notes } = fillInputs(document.value);
    return { document: { ...document, value }, notes };
  });
  const parts = documents.flatMap(({ document }) => readDocument(document) ?? []);
  if (parts.length === 0)
    throw invalid(
      `${filename} is no configuration of MCP servers: looked for ${formatsText()}, servers (our own) and kind: Server`,
    );
  const found = merge(parts);
  const candidates = eachOnce(found.candidates.map((candidate) => check(candidate, found.notes, filename)));
  const servers = [...candidates, ...wrongEntries(found.problems)];
  if (servers.length > serversMax)
    throw invalid(`${filename} has ${servers.length} servers: at most ${serversMax} are imported at once`);
  const read = new Set(candidates.map(({ name }) => name));
  const others = found.notes.filter(({ server }) => server === undefined || !read.has(server));
  return { servers, notes: [...documents.flatMap(({ notes }) => notes), ...others.map(({ message }) => message)] };
}

/**
 * JSON is read at once where it can be: a client's file may be large for other reasons than its servers, and what knows the place of every
 * field takes a second for a megabyte, in which the manager would do nothing else. Here what is wrong is named by its field alone.
 */
function readDocuments(text: string, filename: string): readonly ConfigDocument[] {
  const plain = text.replace(/^\uFEFF/, "");
  if (!isJson(filename, plain) || isToml(filename, plain)) return parseDocuments(filename, text);
  if (depthOf(blankComments(plain)) > depthMax) throw invalid(`${filename} is nested deeper than a configuration is`);
  try {
    const value: unknown = JSON.parse(plain);
    return [{ path: filename, format: "json", value, positionOf: () => ({ line: 1, column: 1 }) }];
  } catch {
    return parseDocuments(filename, text);
  }
}

function readDocument(document: ConfigDocument): Found | undefined {
  const others = readResources(document) ?? readClientFile(document);
  if (others !== undefined) return others;
  return isRecord(document.value) && "servers" in document.value
    ? readServers(document, document.value["servers"])
    : undefined;
}

function check(candidate: Candidate, notes: Found["notes"], filename: string): ImportableServer {
  const given = candidate.name ?? valueAt(candidate.input, ["metadata", "name"]);
  const name = typeof given === "string" ? given : fieldText(candidate.path);
  const lost = lostFolder(candidate, filename);
  const { servers, problems } = checkServers([candidate], dirname(filename));
  const [server] = servers;
  if (server === undefined || lost !== undefined)
    return { kind: "wrong", name, error: errorOf(name, [...problems, ...(lost === undefined ? [] : [lost])]) };
  const own = notes.filter((note) => note.server === name);
  return {
    kind: "read",
    name,
    draft: server.draft,
    notes: own.map(({ message }) => message.slice(message.indexOf(": ") + 2)),
  };
}

/** Of two of one name the first stands: which of them is meant is not known, and one would undo the other. */
function eachOnce(servers: readonly ImportableServer[]): readonly ImportableServer[] {
  const names = new Set<string>();
  return servers.map((server) => {
    const { name } = server;
    const isFirst = !names.has(name);
    names.add(name);
    if (isFirst || server.kind === "wrong") return server;
    const problem = { path: "metadata.name", given: `"${name}" again`, expected: "a name of its own" };
    return { kind: "wrong", name, error: invalidFields(`server ${name}`, [problem]) };
  });
}

/** A relative `cwd` means something only where it is known where the file lay. */
function lostFolder({ input, document, locate }: Candidate, filename: string): Problem | undefined {
  const cwd = valueAt(input, ["spec", "source", "cwd"]);
  if (typeof cwd !== "string" || isAbsolute(cwd) || isAbsolute(filename)) return undefined;
  const field = locate(["spec", "source", "cwd"]);
  const expected = "an absolute path: it is not known where the file lay";
  return problemAt(document, field, { field: fieldText(field), given: "a relative path", expected });
}

/** Entries that are no server, each by its name. */
function wrongEntries(problems: readonly Problem[]): readonly ImportableServer[] {
  const byName = Map.groupBy(problems, ({ server, field, place }) => {
    return server ?? String(parseField(field ?? place)[1] ?? field ?? place);
  });
  return [...byName].map(([name, own]) => ({ kind: "wrong", name, error: errorOf(name, own) }));
}

function errorOf(name: string, problems: readonly Problem[]): ManagerError {
  const fields = problems.map(({ field, place, given, expected }) => ({ path: field ?? place, given, expected }));
  return invalidFields(`server ${name}`, fields);
}

function invalid(message: string): ManagerError {
  return new ManagerError("invalid_argument", message, { reason: "INVALID_CONFIG" });
}
