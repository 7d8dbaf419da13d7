/**
 * What the byte readers are compared with: plain, slow readings of whole texts that lean on `JSON.parse`. Nothing outside of
 * tests uses them.
 */
import { depthMax } from "../json.ts";
import { type MemberName, memberPaths } from "../envelope.ts";

/** The text of `bytes`, or undefined when they are not UTF-8. A byte order mark stays in the text. */
export function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The text when it is one JSON value in UTF-8; undefined otherwise. */
function jsonTextOf(bytes: Buffer): string | undefined {
  const text = textOf(bytes);
  try {
    if (text !== undefined) JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

/** A JSON value that has kept its members in order, twice when they came twice, and its scalars as written. */
export type Tree =
  | { readonly kind: "object"; readonly members: readonly TreeMember[] }
  | { readonly kind: "array"; readonly elements: readonly Tree[] }
  | { readonly kind: "scalar"; readonly written: string };

export interface TreeMember {
  readonly key: string;
  /** As written, with its quotes. */
  readonly writtenKey: string;
  readonly value: Tree;
}

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The tree of a text that `JSON.parse` takes. */
export function treeOf(text: string): Tree {
  const all = text.match(tokens) ?? [];
  let at = 0;
  const value = (): Tree => {
    const token = all[at++] ?? "";
    if (token === "[") {
      const elements: Tree[] = [];
      while (all[at] !== "]") {
        elements.push(value());
        if (all[at] === ",") at++;
      }
      at++;
      return { kind: "array", elements };
    }
    if (token !== "{") return { kind: "scalar", written: token };
    const members: TreeMember[] = [];
    while (all[at] !== "}") {
      const writtenKey = all[at] ?? "";
      at += 2;
      members.push({ key: JSON.parse(writtenKey) as string, writtenKey, value: value() });
      if (all[at] === ",") at++;
    }
    at++;
    return { kind: "object", members };
  };
  return value();
}

/** How many objects and arrays are open at the deepest place of a JSON text. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const token of text.match(tokens) ?? []) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, ++depth);
    if (token === "}" || token === "]") depth--;
  }
  return deepest;
}

/** All values that `path` leads to: none, one, or several where a key on the way comes twice. */
export function valuesAt(tree: Tree, path: readonly string[]): readonly Tree[] {
  const [key, ...rest] = path;
  if (key === undefined) return [tree];
  if (tree.kind !== "object") return [];
  return tree.members.filter((member) => member.key === key).flatMap((member) => valuesAt(member.value, rest));
}

/** What a scan of `bytes` must say. */
export type Expected =
  | { readonly kind: "refused"; readonly code: -32700 | -32600 }
  | { readonly kind: "request" | "notification" | "response"; readonly members: ReadonlyMap<MemberName, unknown> };

const names = Object.keys(memberPaths) as MemberName[];
const invalid: Expected = { kind: "refused", code: -32600 };

/** The rules of JSON-RPC as MCP uses it, on decoded values. */
export function expectedScan(bytes: Buffer): Expected {
  const text = jsonTextOf(bytes);
  if (text === undefined) return { kind: "refused", code: -32700 };
  if (depthOf(text) > depthMax) return invalid;
  const tree = treeOf(text);
  const found = names.map((name) => [name, valuesAt(tree, memberPaths[name])] as const);
  if (tree.kind !== "object" || found.some(([, values]) => values.length > 1)) return invalid;
  const written = new Map(found.flatMap(([name, [value]]) => (value === undefined ? [] : [[name, value] as const])));
  const kind = kindOf(written);
  if (kind === undefined) return invalid;
  const whole = JSON.parse(text) as unknown;
  const members = new Map([...written.keys()].map((name) => [name, decodedAt(whole, memberPaths[name])]));
  return { kind, members };
}

function decodedAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, key) => (inner as Record<string, unknown>)[key], value);
}

function kindOf(written: ReadonlyMap<MemberName, Tree>): "request" | "notification" | "response" | undefined {
  const scalar = (name: MemberName): string | undefined => {
    const value = written.get(name);
    return value?.kind === "scalar" ? value.written : undefined;
  };
  const version = scalar("jsonrpc");
  if (version === undefined || JSON.parse(version) !== "2.0") return undefined;
  const hasGoodId = /^(".*|-?\d+)$/s.test(scalar("id") ?? "");
  const isAnswer = written.has("result") || written.has("error");
  if (written.has("method")) {
    if (isAnswer || !scalar("method")?.startsWith('"')) return undefined;
    if (written.has("params") && written.get("params")?.kind !== "object") return undefined;
    return written.has("id") ? (hasGoodId ? "request" : undefined) : "notification";
  }
  if (written.has("result") === written.has("error")) return undefined;
  const isUnaddressed = written.has("error") && (!written.has("id") || scalar("id") === "null");
  return hasGoodId || isUnaddressed ? "response" : undefined;
}
