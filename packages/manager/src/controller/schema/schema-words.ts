/**
 * What a schema says to whoever reads it, and what no rule weighs: descriptions, titles, defaults, unknown keywords, by the place they
 * are about, whichever way the schema is put together. Those are what a model is told. Bounded; compares nothing.
 */
import { type JsonObject, listOf, memberOf, objectOf } from "./json.ts";
import type { Effort } from "./narrowings.ts";
import { isStructural, type SchemaRoot } from "./schema-root.ts";

/** By place (`days`, `days.[]`, empty for the schema itself), what is said there, by keyword. */
export type SchemaWords = ReadonlyMap<string, JsonObject>;

/** What may still be read. */
export interface WordBudget {
  /** Places, of this schema and of all. */
  left: number;
  readonly effort: Effort;
  /** There was more, or it was deeper than is read. */
  isCut: boolean;
}

const depthMax = 24;
/** Of one schema with all its definitions; what is shared by all may be less. */
const placesMax = 3_000;

/** To read a schema and its definitions with. */
export function newWordBudget(effort: Effort): WordBudget {
  return { left: placesMax, effort, isCut: false };
}

/** Everything that is said in a schema, as far as the budget goes. */
export function wordsOf(schema: unknown, root: SchemaRoot, budget: WordBudget): SchemaWords {
  const words = new Map<string, JsonObject>();
  gather(schema, [], { root, words, budget, within: [] });
  return words;
}

interface Gathering {
  readonly root: SchemaRoot;
  readonly words: Map<string, JsonObject>;
  readonly budget: WordBudget;
  /** What this is part of; a schema within itself says nothing new. */
  readonly within: readonly unknown[];
}

function gather(schema: unknown, at: readonly string[], { root, words, budget, within }: Gathering): void {
  if (within.includes(schema)) return;
  if (--budget.left < 0 || --budget.effort.left < 0 || within.length > depthMax) return void (budget.isCut = true);
  const object = root.resolve(schema);
  const said = Object.entries(object).filter(([keyword]) => !isStructural(keyword));
  words.set(at.join("."), Object.fromEntries(said));
  const deeper = { root, words, budget, within: [...within, schema] };
  for (const [step, child] of childrenOf(object)) {
    if (budget.left < 0) return;
    gather(child, [...at, step], deeper);
  }
}

const ofMembers: readonly string[] = ["properties", "patternProperties", "dependentSchemas"];
const ofLists: readonly string[] = ["anyOf", "oneOf", "allOf", "prefixItems", "items"];
const single: readonly (readonly [keyword: string, step: string])[] = [
  ["items", "[]"],
  ["additionalProperties", "*"],
  ...["contains", "propertyNames", "not", "if", "then", "else", "unevaluatedProperties", "unevaluatedItems"].map(
    (keyword) => [keyword, keyword] as const,
  ),
];

function* childrenOf(schema: JsonObject): Iterable<readonly [string, unknown]> {
  for (const keyword of ofMembers) yield* Object.entries(objectOf(memberOf(schema, keyword)) ?? {});
  for (const keyword of ofLists) {
    for (const [i, each] of listOf(memberOf(schema, keyword)).entries()) yield [`${keyword}[${i}]`, each];
  }
  for (const [keyword, step] of single) {
    const child = objectOf(memberOf(schema, keyword));
    if (child !== undefined) yield [step, child];
  }
}
