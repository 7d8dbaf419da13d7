/**
 * A configuration file as documents whose fields know their place. Owns reading YAML and JSON (comments and trailing commas
 * allowed), and Codex's TOML, and what a syntax error looks like; knows nothing of what the fields mean.
 */
import { ManagerError } from "@mcp-manager/api";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit } from "yaml";
import type { Document, ErrorCode, Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import type { FieldPath } from "./field-path.ts";
import { blankComments, isJson } from "./jsonc.ts";
import { shownLine } from "./shown-line.ts";
import { isToml, parseToml } from "./toml.ts";

/** Line and column, both from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** One document of a file. */
export interface ConfigDocument {
  /** The file, as the user wrote it. */
  readonly path: string;
  readonly format: "json" | "yaml" | "toml";
  readonly value: unknown;
  /** Where a field stands; for one that is not there, where its nearest parent does. */
  positionOf(field: FieldPath): Position;
}

const aliasesMax = 100;

/** The documents of `text` that are not empty. Throws `invalid_argument` (INVALID_CONFIG) that shows the line at fault. */
export function parseDocuments(path: string, text: string): readonly ConfigDocument[] {
  const lineCounter = new LineCounter();
  const plain = text.replace(/^\uFEFF/, "");
  if (isToml(path, plain)) return [readToml(path, plain)];
  const format = isJson(path, plain) ? "json" : "yaml";
  const parsed = parseAllDocuments(format === "json" ? blankComments(plain) : plain, {
    lineCounter,
    prettyErrors: false,
    merge: true,
    // Its own check compares every key with every other; `checkNodes` does it in one pass.
    uniqueKeys: false,
  });
  if (!Array.isArray(parsed)) return [];
  const documents = parsed as readonly Document.Parsed[];
  const [problem] = documents.flatMap(({ errors }) => errors);
  const fail: Fail = (offset, what) => {
    const { line, column } = positionAt(lineCounter, offset);
    throw invalid(`${path}:${line}:${column}: ${what}${shownLine(plain, line, column)}`);
  };
  if (problem !== undefined) fail(problem.pos[0], syntaxWords[problem.code]);
  for (const document of documents) checkNodes(document, fail);
  return documents
    .filter(({ contents }) => contents !== null && !isEmpty(contents))
    .map((document) => {
      const pairs: PairsByKey = new WeakMap();
      return {
        path,
        format,
        value: toValue(path, document),
        positionOf: (field) => positionAt(lineCounter, offsetOf(document, pairs, field)),
      };
    });
}

function readToml(path: string, text: string): ConfigDocument {
  const toml = parseToml(text);
  if (toml.kind === "read") {
    if (isTooDeep(toml.value)) throw invalid(`${path}: ${syntaxWords.RESOURCE_EXHAUSTION}`);
    return { path, format: "toml", value: toml.value, positionOf: toml.positionOf };
  }
  const { line, column } = toml.position;
  throw invalid(`${path}:${line}:${column}: this cannot be read as TOML`);
}

const depthMax = 100;

/** A key with dots goes as deep as it is long. */
function isTooDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return true;
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return false;
}

function isEmpty(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

function toValue(path: string, document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax });
  } catch (error) {
    throw invalid(`${path}: its aliases (*name) stand for too much; write it out`, error);
  }
}

/** Refuses the text for what is at an offset. */
type Fail = (offset: number, what: string) => void;

/** What the parser leaves open: names that are there twice, and aliases of nothing. */
function checkNodes(document: Document.Parsed, fail: Fail): void {
  // An alias stands for what is anchored before it. The parser looks through all of that for each.
  const anchors = new Set<string>();
  const note = ({ anchor }: Scalar | YAMLMap | YAMLSeq): void => {
    if (anchor !== undefined) anchors.add(anchor);
  };
  visit(document, {
    Scalar: (_, scalar) => note(scalar),
    Seq: (_, list) => note(list),
    Map(_, map) {
      note(map);
      const names = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key) || key.value === "<<") continue;
        if (names.has(key.value)) fail(startOf(key) ?? 0, syntaxWords.DUPLICATE_KEY);
        names.add(key.value);
      }
    },
    Alias(_, alias) {
      if (!anchors.has(alias.source)) fail(startOf(alias) ?? 0, syntaxWords.BAD_ALIAS);
    },
  });
}

/** The pairs of maps that were looked into, by their keys: a file of many mistakes asks for many of them. */
type PairsByKey = WeakMap<YAMLMap, ReadonlyMap<unknown, Pair>>;

/** The first of each key. */
function pairsOf(map: YAMLMap, known: PairsByKey): ReadonlyMap<unknown, Pair> {
  const before = known.get(map);
  if (before !== undefined) return before;
  const pairs = new Map(
    map.items.toReversed().map((pair) => [isScalar(pair.key) ? String(pair.key.value) : pair.key, pair]),
  );
  known.set(map, pairs);
  return pairs;
}

/** The offset of the field's key, of a list's item, or of the nearest parent that is there. */
function offsetOf(document: Document.Parsed, known: PairsByKey, field: FieldPath): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of field) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = pairsOf(node, known).get(key);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === "number") {
      node = node.items[key];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function positionAt(lineCounter: LineCounter, offset: number): Position {
  const { line, col } = lineCounter.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function invalid(message: string, cause?: unknown): ManagerError {
  return new ManagerError("invalid_argument", message, { reason: "INVALID_CONFIG", cause });
}

/** Our words, because the parser's may repeat text of the file, which may be secret. */
const syntaxWords: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "an alias (*name) cannot have a tag or an anchor",
  BAD_ALIAS: "no anchor (&name) has this name: quote text that begins with *",
  BAD_COLLECTION_TYPE: "the tag does not fit what follows",
  BAD_DIRECTIVE: "this is no YAML directive: quote text that begins with %",
  BAD_DQ_ESCAPE: "no such escape: write \\\\ for a backslash between double quotes",
  BAD_INDENT: "the indentation does not fit, or a bracket is not closed",
  BAD_PROP_ORDER: "an anchor or a tag stands in the wrong place",
  BAD_SCALAR_START: "text that begins with this character has to be quoted",
  BLOCK_AS_IMPLICIT_KEY: "there is a second colon: quote the text, or begin a new line",
  BLOCK_IN_FLOW: "a comma or a closing bracket is missing",
  DUPLICATE_KEY: "this name is there twice",
  IMPOSSIBLE: "this cannot be read",
  KEY_OVER_1024_CHARS: "this name is too long, or a quote is missing",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: "a name has to be on one line: is there a colon, or an indentation, too much or too little?",
  MULTIPLE_ANCHORS: "there are two anchors",
  MULTIPLE_DOCS: "there is a second document",
  MULTIPLE_TAGS: "there are two tags",
  NON_STRING_KEY: "a name has to be text",
  RESOURCE_EXHAUSTION: "this is nested too deeply",
  TAB_AS_INDENT: "a tab in the indentation: use spaces",
  TAG_RESOLVE_FAILED: "no such tag: quote text that begins with !",
  UNEXPECTED_TOKEN: "this does not belong here: a bracket, quote or comma too much or too little before it?",
};
