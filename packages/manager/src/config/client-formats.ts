/**
 * The configuration files of MCP clients: how to know one, where its servers are, how it writes variables. One row a format; how
 * an entry is read is the same for all of them, in `client-entry.ts`.
 */
import type { Candidate, Found } from "./candidate.ts";
import { problemAt } from "./candidate.ts";
import { convertEntry, relocate } from "./client-entry.ts";
import type { ConfigDocument } from "./document.ts";
import type { FieldPath } from "./field-path.ts";
import { fieldText, isRecord, valueAt } from "./field-path.ts";
import type { Note, Problem } from "./problem.ts";
import { legalNames } from "./server-name.ts";
import { settingSchemas } from "./settings.ts";
import type { VariableForm } from "./variables.ts";

/** The files that are understood. */
export type ClientFormat = "mcpServers" | "codex" | "zed" | "opencode" | "vscode";

interface FormatRow {
  /** Whose files look like this. */
  readonly clients: string;
  /** Where the servers are, for people. */
  readonly key: string;
  /** Where the servers are when the file is of this format. */
  find(root: Readonly<Record<string, unknown>>): FieldPath | undefined;
  readonly variables: readonly VariableForm[];
}

/** The formats, in the order in which they are tried: a file may have keys of a later one that mean something else in it. */
export const clientFormats: Readonly<Record<ClientFormat, FormatRow>> = {
  mcpServers: {
    clients: "Claude Desktop, Claude Code, Cursor, Windsurf, Gemini CLI, Cline, Roo Code, Continue, MCP Inspector",
    key: "mcpServers",
    find: (root) => (Object.hasOwn(root, "mcpServers") ? ["mcpServers"] : undefined),
    variables: ["dollar", "bare"],
  },
  codex: {
    clients: "Codex",
    key: "mcp_servers",
    find: (root) => (Object.hasOwn(root, "mcp_servers") ? ["mcp_servers"] : undefined),
    variables: [],
  },
  zed: {
    clients: "Zed",
    key: "context_servers",
    find: (root) => (Object.hasOwn(root, "context_servers") ? ["context_servers"] : undefined),
    variables: ["dollar"],
  },
  opencode: {
    clients: "opencode",
    key: "mcp",
    find: (root) => [["mcp", "servers"], ["mcp"]].find((path) => isRecord(valueAt(root, path))),
    variables: ["dollar", "braces"],
  },
  vscode: {
    clients: "VS Code",
    key: "servers",
    find: (root) => (isVsCode(root) ? ["servers"] : undefined),
    variables: ["dollar"],
  },
};

const vsCodeTop = ["servers", "inputs", "$schema"];
const vsCodeKeys = ["type", "envFile", "dev", "sandboxEnabled"];

/** Our own files have `servers` too: theirs have `inputs`, or entries with keys that ours never have. */
function isVsCode(root: Readonly<Record<string, unknown>>): boolean {
  const { servers } = root;
  if (!isRecord(servers) || Object.keys(root).some((key) => !vsCodeTop.includes(key))) return false;
  const entries = Object.values(servers).filter(isRecord);
  if (entries.some((entry) => "source" in entry || "spec" in entry)) return false;
  return Object.hasOwn(root, "inputs") || entries.some((entry) => vsCodeKeys.some((key) => key in entry));
}

/** The servers of a client's file; undefined when the document is no such file. */
export function readClientFile(document: ConfigDocument): Found | undefined {
  const root = document.value;
  if (!isRecord(root)) return undefined;
  for (const { find, variables } of Object.values(clientFormats)) {
    const at = find(root);
    if (at !== undefined) return readEntries(document, root, at, variables);
  }
  return undefined;
}

/** What of a document says whose it is, for people: `mcpServers (Claude Desktop, …), mcp_servers (Codex), …`. */
export function formatsText(): string {
  return Object.values(clientFormats)
    .map(({ key, clients }) => `${key} (${clients})`)
    .join(", ");
}

interface NamedEntry {
  readonly name: string;
  readonly path: FieldPath;
  readonly value: unknown;
}

function readEntries(
  document: ConfigDocument,
  root: Readonly<Record<string, unknown>>,
  at: FieldPath,
  variables: readonly VariableForm[],
): Found {
  const entries = entriesAt(root, at);
  if (entries === undefined) {
    const expected = "an object of names and servers";
    const problem = problemAt(document, at, { field: fieldText(at), given: "something else", expected });
    return { candidates: [], problems: [problem], notes: [] };
  }
  const names = legalNames(entries.map(({ name }) => name));
  const read = entries.map((entry) => readEntry(document, entry, names.get(entry.name) ?? entry.name, variables));
  return {
    candidates: read.flatMap(({ candidates }) => candidates),
    problems: read.flatMap(({ problems }) => problems),
    notes: [
      ...unreadSettings(document, root),
      ...unreadProjects(document, root),
      ...read.flatMap(({ notes }) => notes),
    ],
  };
}

/** By name, or as a list whose items have names (Continue). */
function entriesAt(root: unknown, at: FieldPath): readonly NamedEntry[] | undefined {
  const servers = valueAt(root, at);
  if (servers === null) return [];
  if (isRecord(servers)) {
    return Object.entries(servers).map(([name, value]) => ({ name, path: [...at, name], value }));
  }
  if (!Array.isArray(servers)) return undefined;
  return servers.map((value: unknown, index) => {
    const name = isRecord(value) && typeof value["name"] === "string" ? value["name"] : `server-${index + 1}`;
    return { name, path: [...at, index], value };
  });
}

function readEntry(
  document: ConfigDocument,
  { name, path, value }: NamedEntry,
  legalName: string,
  variables: readonly VariableForm[],
): Found {
  const about = (level: Note["level"], text: string): Note => ({
    level,
    message: `server ${legalName}: ${text}`,
    server: legalName,
  });
  const renamed = name === legalName ? [] : [about("info", `this is ${JSON.stringify(name)} in ${document.path}`)];
  const conversion = convertEntry(value, variables);
  if (conversion.kind === "skipped") {
    return { candidates: [], problems: [], notes: [about("info", `skipped, because ${conversion.why}`)] };
  }
  if (conversion.kind === "wrong") {
    const problems = conversion.fields.map(({ path: inner, ...rest }): Problem => {
      const field = [...path, ...inner];
      return { ...problemAt(document, field, { field: fieldText(field), ...rest }), server: legalName };
    });
    return { candidates: [], problems, notes: [] };
  }
  const { spec, fields, notes } = conversion;
  const candidate: Candidate = {
    input: { metadata: { name: legalName }, spec },
    document,
    path,
    locate: (field) => [...path, ...relocate([...fields, [["spec", "source"], []], [["spec"], []]], field)],
  };
  return { candidates: [candidate], problems: [], notes: [...renamed, ...notes.map((text) => about("info", text))] };
}

/** A YAML file with `mcpServers` is likely to be written for us: say that its settings count for nothing. */
function unreadSettings(document: ConfigDocument, root: object): readonly Note[] {
  if (document.format !== "yaml") return [];
  return Object.keys(root)
    .filter((key) => Object.hasOwn(settingSchemas, key))
    .map((key) => ({
      level: "warn",
      message: `${document.path}: ${key} is not read, because this is a client's file; write the servers under servers:`,
    }));
}

/** Claude Code keeps servers of single folders beside those of everywhere. */
function unreadProjects({ path }: ConfigDocument, root: Readonly<Record<string, unknown>>): readonly Note[] {
  const { projects } = root;
  const hasServers = (project: unknown): boolean =>
    isRecord(project) && isRecord(project["mcpServers"]) && Object.keys(project["mcpServers"]).length > 0;
  if (!isRecord(projects) || !Object.values(projects).some(hasServers)) return [];
  return [{ level: "info", message: `${path}: servers of single projects are not read` }];
}
