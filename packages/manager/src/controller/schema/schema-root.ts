/**
 * One JSON Schema whose references are followed: any of its subschemas as an object of keywords, with what `$ref` and `allOf` point at
 * written into it where that says exactly the same. What it cannot resolve (other documents, anchors, a document within) it leaves as
 * it is, for whoever compares to be careful with. Decides nothing.
 */
import { type JsonObject, listOf, memberOf, objectOf, type StructuralIds, stringsOf } from "./json.ts";

/** What nothing is valid against. */
const never: JsonObject = { not: {} };

/** Keywords that say nothing of which values are valid. */
const silent: ReadonlySet<string> = new Set(["$schema", "$id", "$comment", "$defs", "definitions", "$anchor"]);
const words: ReadonlySet<string> = new Set(["title", "description", "default", "examples", "deprecated"]);
/** Keywords that are read together. */
const groups: readonly (readonly string[])[] = [
  ["properties", "patternProperties", "additionalProperties"],
  ["items", "prefixItems", "additionalItems"],
  ["contains", "minContains", "maxContains"],
  ["if", "then", "else"],
];
/** `x-mcp-header` is compared apart. */
const structural: ReadonlySet<string> = new Set(
  `$schema $id $anchor $ref $dynamicRef $dynamicAnchor $recursiveRef $defs definitions type enum const multipleOf minimum maximum
  exclusiveMinimum exclusiveMaximum minLength maxLength pattern format contentEncoding contentMediaType contentSchema items prefixItems
  additionalItems minItems maxItems uniqueItems contains minContains maxContains properties patternProperties additionalProperties
  required minProperties maxProperties propertyNames dependentRequired dependentSchemas dependencies unevaluatedItems
  unevaluatedProperties allOf anyOf oneOf not if then else x-mcp-header`.split(/\s+/),
);
const hopsMax = 32;

export class SchemaRoot {
  readonly #root: unknown;
  readonly #ids: StructuralIds;
  readonly #hasOwnDocuments: boolean;
  readonly #resolved = new WeakMap<object, JsonObject>();
  /** The subschemas that were asked for so far, as they stand in the document. */
  readonly reached: Set<unknown> = new Set();

  constructor(root: unknown, ids: StructuralIds) {
    this.#root = root;
    this.#ids = ids;
    this.#hasOwnDocuments = Object.values(objectOf(root) ?? {}).some(holdsDocument);
  }

  /** A subschema as keywords. Absent, and anything that is no schema, is one that everything is valid against. */
  resolve(schema: unknown, hops = 0): JsonObject {
    this.reached.add(schema);
    if (schema === false) return never;
    const object = objectOf(schema);
    if (object === undefined) return {};
    const known = this.#resolved.get(object);
    if (known !== undefined) return known;
    const resolved = hops < hopsMax ? this.#flat(this.#followed(object, hops), hops) : object;
    // One that is met within itself is known from its innermost place on, so that it is not unfolded again at each.
    this.#resolved.set(object, resolved);
    return resolved;
  }

  /** Both schemas as one; undefined where their keywords would speak of each other. */
  merged(a: JsonObject, b: JsonObject): JsonObject | undefined {
    const taken = new Set(Object.keys(a).flatMap((name) => (isSilent(name) ? [] : groupOf(name))));
    const merged: Record<string, unknown> = { ...a };
    for (const [name, value] of Object.entries(b)) {
      // The same keyword twice says no more than once, unless it speaks of others.
      const isSame = groupOf(name) === name && this.#ids.areSame(memberOf(a, name), value);
      const isFree = isSilent(name) || isSame || !taken.has(groupOf(name));
      if (name === "required") merged[name] = [...new Set([...stringsOf(a["required"]), ...stringsOf(value)])];
      else if (isFree) merged[name] = value;
      else return undefined;
    }
    // What is not evaluated yet is a question to all of a schema.
    const asksAll = (one: JsonObject): boolean => Object.keys(one).some((name) => name.startsWith("unevaluated"));
    return asksAll(merged) && !isMute(a) && !isMute(b) ? undefined : merged;
  }

  #followed(object: JsonObject, hops: number): JsonObject {
    const target = this.#targetOf(object["$ref"]);
    if (target === undefined) return object;
    const { $ref: _, ...beside } = object;
    const resolved = this.resolve(target.schema, hops + 1);
    return this.merged(resolved, beside) ?? { allOf: [resolved, beside] };
  }

  #flat(object: JsonObject, hops: number): JsonObject {
    const parts = listOf(object["allOf"]);
    if (parts.length === 0) return object;
    const { allOf: _, ...beside } = object;
    let whole: JsonObject = beside;
    const rest: unknown[] = [];
    for (const part of parts) {
      const resolved = this.resolve(part, hops + 1);
      const merged = this.merged(whole, resolved);
      if (merged === undefined) rest.push(resolved);
      else whole = merged;
    }
    return rest.length === 0 ? whole : { ...whole, allOf: rest };
  }

  /** What a reference into this document points at. */
  #targetOf(reference: unknown): { readonly schema: unknown } | undefined {
    if (typeof reference !== "string" || !/^#(?:\/|$)/.test(reference) || this.#hasOwnDocuments) return undefined;
    let at: unknown = this.#root;
    for (const step of reference.split("/").slice(1)) {
      const name = unescaped(step);
      const inside = Array.isArray(at) && /^\d+$/.test(name) ? (at[Number(name)] as unknown) : undefined;
      at = inside ?? memberOf(objectOf(at) ?? {}, name);
    }
    return at === undefined ? undefined : { schema: at };
  }
}

/** Whether a keyword says nothing of which values are valid. */
function isSilent(keyword: string): boolean {
  return silent.has(keyword) || words.has(keyword);
}

/** Whether a keyword has a part in which values are valid, or says where its document begins. */
export function isStructural(keyword: string): boolean {
  return structural.has(keyword);
}

function isMute(schema: JsonObject): boolean {
  return Object.keys(schema).every(isSilent);
}

function groupOf(keyword: string): string {
  return groups.find((group) => group.includes(keyword))?.join("/") ?? keyword;
}

function unescaped(step: string): string {
  let text = step;
  try {
    text = decodeURIComponent(step);
  } catch {
    // It was not escaped.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Whether a part of a document is one of its own, in which references mean something else. */
function holdsDocument(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsDocument);
  const object = objectOf(value);
  if (object === undefined) return false;
  return typeof object["$id"] === "string" || Object.values(object).some(holdsDocument);
}
