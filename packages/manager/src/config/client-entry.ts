/**
 * One server as MCP clients write it (`command` or `url`, each in a few spellings) turned into our resource. Takes any client's
 * keys at once, since a file does not say whose it is. What it cannot express is refused or noted, never dropped in silence.
 */
import { describe } from "@mcp-manager/api";
import type { FieldPath } from "./field-path.ts";
import { codexKeys, timesOf, withPassedOn, withVariableHeaders } from "./codex-entry.ts";
import { isRecord, mapTexts } from "./field-path.ts";
import type { VariableForm } from "./variables.ts";
import { toReferences } from "./variables.ts";

/** A field that is wrong; `path` is within the entry. */
interface WrongField {
  readonly path: FieldPath;
  readonly given: string;
  readonly expected: string;
}

/** What became of an entry. */
export type Conversion =
  | {
      readonly kind: "server";
      readonly spec: Readonly<Record<string, unknown>>;
      /** Where in the entry a field of our resource was written: longest prefix counts. */
      readonly fields: readonly (readonly [ours: FieldPath, theirs: FieldPath])[];
      readonly notes: readonly string[];
    }
  | { readonly kind: "skipped"; readonly why: string }
  | { readonly kind: "wrong"; readonly fields: readonly WrongField[] };

type Entry = Readonly<Record<string, unknown>>;

/** Spellings of a remote server's address, the clearest first: Gemini, Windsurf, everybody else. */
const urlKeys = ["httpUrl", "serverUrl", "url"] as const;

const transports: Readonly<Record<string, "process" | "remote">> = {
  stdio: "process",
  local: "process",
  http: "remote",
  "streamable-http": "remote",
  streamableHttp: "remote",
  remote: "remote",
  sse: "remote",
};

/** Keys that are read, or that say nothing about how a server runs. */
const readKeys = new Set<string>([
  ...urlKeys,
  ..."name type transport source description disabled enabled command args cwd env environment headers".split(" "),
  ..."includeTools excludeTools disabledTools".split(" "),
  ...codexKeys,
]);

/** Turns an entry into our resource. */
export function convertEntry(value: unknown, forms: readonly VariableForm[]): Conversion {
  if (!isRecord(value)) return wrong([], describe(value, true), "an object with command or url");
  if (value["disabled"] === true || value["enabled"] === false) return { kind: "skipped", why: "it is disabled there" };
  const urlKey = urlKeys.find((key) => isGiven(value[key]));
  const hasCommand = isGiven(value["command"]);
  if (value["source"] === "extension" || (!hasCommand && urlKey === undefined && isGiven(value["settings"])))
    return { kind: "skipped", why: "an extension of the editor runs it" };
  const mistake = transportMistake(value, hasCommand, urlKey);
  if (mistake !== undefined) return { kind: "wrong", fields: [mistake] };
  return translate(
    value,
    hasCommand || urlKey === undefined ? processSource(value) : remoteSource(value, urlKey),
    forms,
  );
}

function transportMistake(entry: Entry, hasCommand: boolean, urlKey: string | undefined): WrongField | undefined {
  const key = transportKey(entry);
  const type = entry[key];
  const transport = typeof type === "string" && Object.hasOwn(transports, type) ? transports[type] : undefined;
  if (isGiven(type) && transport === undefined)
    return { path: [key], given: describe(type), expected: "one of stdio, http, sse" };
  if (hasCommand && urlKey !== undefined)
    return { path: [urlKey], given: "command and an address", expected: `either command or ${urlKey}` };
  if (!hasCommand && urlKey === undefined) return { path: [], given: "neither", expected: "command or url" };
  if (transport !== undefined && (transport === "process") !== hasCommand) {
    const expected = hasCommand ? "stdio, because there is a command" : "http or sse, because there is an address";
    return { path: [key], given: describe(type), expected };
  }
  if (isGiven(entry["envFile"])) {
    const expected = "its variables in env, as ${env:NAME} or ${file:/path} (such files are not read)";
    return { path: ["envFile"], given: "a file", expected };
  }
  return undefined;
}

/** The key that says how an entry is spoken to. */
function transportKey(entry: Entry): "type" | "transport" {
  return isGiven(entry["type"]) ? "type" : "transport";
}

interface Source {
  readonly source: Readonly<Record<string, unknown>>;
  readonly fields: readonly (readonly [FieldPath, FieldPath])[];
}

function processSource(entry: Entry): Source {
  const { command, args, cwd } = entry;
  const envKey = isGiven(entry["environment"]) ? "environment" : "env";
  const fields: (readonly [FieldPath, FieldPath])[] = [[["env"], [envKey]]];
  // opencode writes program and arguments as one list; Zed once wrote an object.
  if (Array.isArray(command)) {
    const [program, ...rest] = command as readonly unknown[];
    fields.push([["command"], ["command", 0]]);
    for (const index of rest.keys())
      fields.push([
        ["args", index],
        ["command", index + 1],
      ]);
    return { source: present({ kind: "process", command: program, args: rest, cwd, env: entry[envKey] }), fields };
  }
  if (isRecord(command)) {
    const { path, args: inner, env } = command;
    fields.push([["command"], ["command", "path"]], [["args"], ["command", "args"]], [["env"], ["command", "env"]]);
    return { source: present({ kind: "process", command: path, args: inner, cwd, env }), fields };
  }
  const own = withPassedOn(entry[envKey] ?? undefined, entry);
  return { source: present({ kind: "process", command, args, cwd, env: own }), fields };
}

function remoteSource(entry: Entry, urlKey: string): Source {
  const transport = entry[transportKey(entry)] === "sse" ? "sse" : undefined;
  const headersKey = isGiven(entry["http_headers"]) ? "http_headers" : "headers";
  const headers = withVariableHeaders(entry[headersKey] ?? undefined, entry);
  const source = present({ kind: "remote", url: entry[urlKey], transport, headers });
  return {
    source,
    fields: [
      [["url"], [urlKey]],
      [["headers"], [headersKey]],
    ],
  };
}

/** Puts our references for the client's variables, and says what is left over. */
function translate(entry: Entry, { source, fields }: Source, forms: readonly VariableForm[]): Conversion {
  const problems: WrongField[] = [];
  const notes: string[] = [];
  const theirs = (path: FieldPath): FieldPath => relocate(fields, path);
  const translated = mapTexts(source, [], (text, path) => {
    const { text: ours, unknown, hasBare } = toReferences(text, forms);
    for (const variable of unknown) problems.push({ path: theirs(path), given: variable, expected: instead(variable) });
    if (hasBare) notes.push(`a $NAME in ${path.join(".")} was read as the environment variable of that name`);
    return ours;
  });
  if (problems.length > 0) return { kind: "wrong", fields: problems };
  const ignored = Object.keys(entry).filter((key) => !readKeys.has(key));
  if (ignored.length > 0) notes.push(`not read: ${ignored.join(", ")}`);
  const tools = toolsOf(entry);
  return {
    kind: "server",
    spec: { source: translated, ...timesOf(entry), ...(tools === undefined ? {} : { expose: { tools } }) },
    fields: fields.map(([ours, other]) => [["spec", "source", ...ours], other] as const),
    notes,
  };
}

/** The tools that were switched off in the client stay switched off. */
function toolsOf(entry: Entry): object | undefined {
  const list = (key: string): readonly unknown[] => (Array.isArray(entry[key]) ? (entry[key] as unknown[]) : []);
  const allow = [...list("includeTools"), ...list("enabled_tools")];
  const deny = [...list("excludeTools"), ...list("disabledTools"), ...list("disabled_tools")];
  if (allow.length === 0 && deny.length === 0) return undefined;
  return { ...(allow.length === 0 ? {} : { allow }), ...(deny.length === 0 ? {} : { deny }) };
}

/** `path` of our resource as a path of what it was made from. */
export function relocate(fields: readonly (readonly [FieldPath, FieldPath])[], path: FieldPath): FieldPath {
  const fitting = fields.filter(([ours]) => ours.every((key, index) => path[index] === key));
  const [best] = fitting.toSorted(([a], [b]) => b.length - a.length);
  return best === undefined ? path : [...best[1], ...path.slice(best[0].length)];
}

function instead(variable: string): string {
  return variable.startsWith("${input:")
    ? "${secret:name}, ${env:NAME} or ${file:/path}: there is nobody to be asked for an input"
    : "the text itself, or ${env:NAME}: only the editor knows this variable";
}

function wrong(path: FieldPath, given: string, expected: string): Conversion {
  return { kind: "wrong", fields: [{ path, given, expected }] };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function present(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isGiven(value)));
}
