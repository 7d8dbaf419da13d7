/**
 * What a file of YAML or JSON holds, or what is piped in: its documents, those of a list one by one. A message never repeats text of a
 * file that cannot be read: it may be secret.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ManagerError } from "@mcp-manager/api";
import type { Document } from "yaml";
import { LineCounter, parseAllDocuments } from "yaml";
import type { Io } from "../io.ts";

/** One thing in a file, unchecked. */
export interface FileItem {
  readonly item: unknown;
  /** For messages: `weather.yaml (document 2)`. */
  readonly where: string;
}

/** What aliases may stand for at most; more is an attack or a mistake. */
const aliasesMax = 100;

/** The items of a file, `-` for stdin; at least one. Throws `invalid_argument`; `noun` is what the file has to hold: `a Server`. */
export async function readItems(io: Io, file: string, noun: string): Promise<readonly FileItem[]> {
  const name = file === "-" ? "stdin" : file;
  const documents = parseDocuments(name, await readText(io, file));
  const items = documents.flatMap((document, index) => {
    const where = documents.length > 1 ? `${name} (document ${index + 1})` : name;
    const value = toValue(name, document);
    return (isList(value) ? value.items : [value]).filter((item) => item !== null).map((item) => ({ item, where }));
  });
  if (items.length === 0) throw invalid(`${name} is empty: it has to hold ${noun}`);
  return items;
}

/** The text of a file, `-` for stdin. Throws `invalid_argument` when it cannot be read. */
export async function readText(io: Io, file: string): Promise<string> {
  if (file === "-") return await io.readStdin();
  try {
    return readFileSync(resolve(io.cwd, file), "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw invalid(`cannot read ${file}: ${code === "ENOENT" ? "there is no such file" : code}`);
  }
}

function parseDocuments(name: string, text: string): readonly Document.Parsed[] {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false });
  // An empty text gives an empty list of another type.
  const documents = Array.isArray(parsed) ? (parsed as readonly Document.Parsed[]) : [];
  const [problem] = documents.flatMap(({ errors }) => errors);
  if (problem === undefined) return documents;
  const { line, col } = lineCounter.linePos(problem.pos[0]);
  // The parser's message may quote the file; its code does not.
  const why = problem.code.toLowerCase().replaceAll("_", " ");
  throw invalid(`${name}:${line}:${col}: this is not valid YAML or JSON (${why})`);
}

function toValue(name: string, document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax });
  } catch {
    throw invalid(`${name}: an alias (*name) stands for nothing, or for too much: write it out`);
  }
}

function isList(value: unknown): value is { readonly items: readonly unknown[] } {
  return typeof value === "object" && value !== null && "items" in value && Array.isArray(value.items);
}

function invalid(message: string): ManagerError {
  return new ManagerError("invalid_argument", message);
}
