/**
 * Arguments that a modern server wants repeated in headers: which a tool declares with `x-mcp-header`, and the headers for one
 * call. Modern clients write them themselves; for legacy ones and for the manager's own calls it is done here. Pure.
 * Source: specification 2026-07-28, basic/transports/streamable-http ("Custom Headers from Tool Parameters").
 */
import { encodeHeaderValue } from "./headers.ts";
import type { ListItem } from "./list.ts";

/** One argument and its header. */
export interface ParamHeader {
  readonly header: string;
  /** Where the argument stands in `arguments`. */
  readonly path: readonly string[];
}

const annotation = "x-mcp-header";
/** Only a tool with one of these can have it: as it is, or with a letter or the hyphen escaped. All others are not parsed. */
const spellings: readonly Buffer[] = [`"${annotation}"`, "\\u006", "\\u007", "\\u002d", "\\u002D"].map((text) =>
  Buffer.from(text),
);
const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const types: readonly unknown[] = ["string", "integer", "boolean"];
/** Keywords whose values are data, not schemas. */
const dataKeywords: readonly string[] = ["const", "default", "enum", "examples"];

/** What a tool declares, nearly always nothing; undefined when it is not allowed, and a client must not show the tool. */
export function declaredHeaders(tool: ListItem): readonly ParamHeader[] | undefined {
  const found: ParamHeader[] = [];
  return readDeclarations(tool, found) === undefined ? found : undefined;
}

/** Why a client must not show the tool, in constant text; undefined when it may, as nearly always. */
export function declarationProblem(tool: ListItem): string | undefined {
  return readDeclarations(tool, []);
}

function readDeclarations({ bytes }: ListItem, found: ParamHeader[]): string | undefined {
  if (!spellings.some((spelling) => bytes.includes(spelling))) return undefined;
  const { inputSchema } = JSON.parse(bytes.toString()) as { readonly inputSchema?: unknown };
  const problem = collect(inputSchema, [], found);
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  return problem ?? (names.size === found.length ? undefined : "two of its x-mcp-header are the same name");
}

/** Walks a schema; `path` is undefined where no chain of `properties` leads. Stops at the first declaration that is wrong. */
function collect(node: unknown, path: readonly string[] | undefined, found: ParamHeader[]): string | undefined {
  if (Array.isArray(node)) return firstOf(node, (element) => collect(element, undefined, found));
  if (typeof node !== "object" || node === null) return undefined;
  const schema = node as Readonly<Record<string, unknown>>;
  const name = schema[annotation];
  if (name !== undefined) {
    if (path === undefined || path.length === 0) return "its x-mcp-header stands where no properties alone lead";
    if (typeof name !== "string" || !tokenPattern.test(name)) return "its x-mcp-header is no header name";
    if (!types.includes(schema["type"])) return "its x-mcp-header is not on a string, integer or boolean";
    found.push({ header: `Mcp-Param-${name}`, path });
  }
  return firstOf(Object.entries(schema), ([key, value]) => {
    if (dataKeywords.includes(key)) return undefined;
    if (key !== "properties" || typeof value !== "object" || value === null) return collect(value, undefined, found);
    return firstOf(Object.entries(value), ([property, child]) =>
      collect(child, path === undefined ? undefined : [...path, property], found),
    );
  });
}

function firstOf<T>(all: readonly T[], problemOf: (each: T) => string | undefined): string | undefined {
  for (const each of all) {
    const problem = problemOf(each);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const byList = new WeakMap<readonly ListItem[], ReadonlyMap<string, readonly ParamHeader[]>>();

/** The tools of a list that want headers, by name; found once per list. */
export function toolsWithHeaders(tools: readonly ListItem[]): ReadonlyMap<string, readonly ParamHeader[]> {
  let found = byList.get(tools);
  if (found === undefined) {
    const declared = tools.map((tool) => [tool.key, declaredHeaders(tool) ?? []] as const);
    byList.set(tools, (found = new Map(declared.filter(([, headers]) => headers.length > 0))));
  }
  return found;
}

/** The headers for these arguments, name and value in turn. What is not given, or no plain value, has none. */
export function headersFor(declared: readonly ParamHeader[], args: unknown): readonly string[] {
  return declared.flatMap(({ header, path }) => {
    const value = path.reduce(memberOf, args);
    const isPlain = typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value);
    return isPlain ? [header, encodeHeaderValue(String(value))] : [];
  });
}

function memberOf(value: unknown, name: string): unknown {
  const isObject = typeof value === "object" && value !== null && Object.hasOwn(value, name);
  return isObject ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
