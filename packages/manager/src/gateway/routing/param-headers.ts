/**
 * Arguments that a modern server wants repeated in headers: which a tool declares with `x-mcp-header`, and the headers for one
 * call. Modern clients write them themselves; for legacy ones and for the manager's own calls it is done here. Pure.
 * Source: specification 2026-07-28, basic/transports/streamable-http ("Custom Headers from Tool Parameters").
 */
import { encodeHeaderValue } from "../protocol/headers.ts";
import type { ListItem } from "../protocol/list.ts";

/** One argument and its header. */
export interface ParamHeader {
  readonly header: string;
  /** Where the argument stands in `arguments`. */
  readonly path: readonly string[];
}

const annotation = "x-mcp-header";
const annotationBytes = Buffer.from(`"${annotation}"`);
const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const types: readonly unknown[] = ["string", "integer", "boolean"];
/** Keywords whose values are data, not schemas. */
const dataKeywords: readonly string[] = ["const", "default", "enum", "examples"];

/** What a tool declares, nearly always nothing; undefined when it is not allowed, and a client must not show the tool. */
export function declaredHeaders(tool: ListItem): readonly ParamHeader[] | undefined {
  if (!tool.bytes.includes(annotationBytes)) return [];
  const { inputSchema } = JSON.parse(tool.bytes.toString()) as { readonly inputSchema?: unknown };
  const found: ParamHeader[] = [];
  if (!collect(inputSchema, [], found)) return undefined;
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  return names.size === found.length ? found : undefined;
}

/** Walks a schema; `path` is undefined where no chain of `properties` leads. False at the first declaration that is wrong. */
function collect(node: unknown, path: readonly string[] | undefined, found: ParamHeader[]): boolean {
  if (Array.isArray(node)) return node.every((element) => collect(element, undefined, found));
  if (typeof node !== "object" || node === null) return true;
  const schema = node as Readonly<Record<string, unknown>>;
  const name = schema[annotation];
  if (name !== undefined) {
    if (path === undefined || path.length === 0 || typeof name !== "string") return false;
    if (!tokenPattern.test(name) || !types.includes(schema["type"])) return false;
    found.push({ header: `Mcp-Param-${name}`, path });
  }
  return Object.entries(schema).every(([key, value]) => {
    if (dataKeywords.includes(key)) return true;
    if (key !== "properties" || typeof value !== "object" || value === null) return collect(value, undefined, found);
    const inner = (property: string): readonly string[] | undefined =>
      path === undefined ? undefined : [...path, property];
    return Object.entries(value).every(([property, child]) => collect(child, inner(property), found));
  });
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
