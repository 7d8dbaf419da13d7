/**
 * Whether all that one JSON Schema takes another takes too, and where not. It errs to one side: what it cannot tell (other documents,
 * alternatives that overlap, keywords it does not weigh, what is too deep or takes too long) it calls narrower unless it is the same,
 * so that whatever it lets pass is certain. One exception is meant: a member that a schema did not describe, and did not refuse, may
 * be described now (the new optional input). Pure.
 */
import { type JsonObject, listOf, memberOf, objectOf, type StructuralIds } from "./json.ts";
import type { Narrowing, NarrowingRule } from "./narrowing.ts";
import { type MembersWalk, narrowedMembers } from "./object-members.ts";
import type { SchemaRoot } from "./schema-root.ts";
import { areDisjoint, bothOf, tighterBounds, typesOf, type ValueType, valuesOf } from "./schema-values.ts";

export interface NarrowingsOptions {
  /** What is taken, and what should take all of that. */
  readonly from: SchemaRoot;
  readonly to: SchemaRoot;
  /** `input`: a member that `to` does not describe is gone. `output`: one that `from` does not describe is. */
  readonly side: "input" | "output";
  readonly ids: StructuralIds;
  /** Shared by all comparisons of a catalogue, so that their time is bounded. */
  readonly effort: Effort;
}

/** What may still be spent. */
export interface Effort {
  left: number;
}

const foundMax = 50;
const depthMax = 48;
const alternativesMax = 64;
const describedDepthMax = 4;
/** Of one schema against another; what is shared by all may be less. */
const effortMax = 20_000;
/** Keywords that are the same, or narrower, by the type of value that they are about. */
const weighedWhole: readonly (readonly [ValueType | "any", readonly string[]])[] = [
  ["string", ["pattern", "format", "contentEncoding", "contentMediaType", "contentSchema"]],
  ["array", ["contains", "minContains", "maxContains", "unevaluatedItems"]],
  ["object", ["propertyNames", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties"]],
  ["any", ["not", "if", "then", "else", "$ref", "$dynamicRef", "$recursiveRef"]],
];
const asksAll: readonly string[] = ["unevaluatedItems", "unevaluatedProperties"];
const combining: readonly string[] = ["allOf", "anyOf", "oneOf", "if", "dependentSchemas", "$ref"];

/** Every way in which `to` takes less than `from`, at most 50; none says that it takes all of it. */
export function narrowings(from: unknown, to: unknown, options: NarrowingsOptions): readonly Narrowing[] {
  return new Walk(options).found(from, to);
}

class Walk implements MembersWalk {
  readonly side: "input" | "output";
  readonly #options: NarrowingsOptions;
  /** Pairs that are being compared: that they fit is assumed while they are met again within themselves. */
  readonly #open = new Set<string>();
  readonly #assumed = new Set<string>();
  readonly #fitting = new Set<string>();
  #found: Narrowing[] = [];
  /** How many were noted, those included that there is no room for. */
  #noted = 0;
  #effortLeft = effortMax;
  /** What something is compared with is one of several that describe it together. */
  #isPart = false;

  constructor(options: NarrowingsOptions) {
    this.#options = options;
    this.side = options.side;
  }

  found(from: unknown, to: unknown): readonly Narrowing[] {
    this.walk(from, to, []);
    return this.#found;
  }

  /** Compares two subschemas as they stand in their documents. */
  walk(from: unknown, to: unknown, at: readonly string[]): void {
    const { ids } = this.#options;
    if (ids.areSame(from, to) || to === true) return;
    // That was noted when it became too much.
    if (this.#effortLeft < 0) return void this.#noted++;
    const pair = `${ids.of(from)}/${ids.of(to)}/${this.#isPart}`;
    if (this.#fitting.has(pair)) return;
    if (this.#open.has(pair)) return void this.#assumed.add(pair);
    if (!this.#spend(1) || this.#open.size > depthMax) return this.note(at, "unclear");
    this.#open.add(pair);
    const before = this.#noted;
    this.#compare(this.#options.from.resolve(from), this.#options.to.resolve(to), at);
    this.#open.delete(pair);
    if (this.#noted === before) this.#fitting.add(pair);
    // What was found to fit by assuming that this does has to be looked at again.
    else if (this.#assumed.has(pair)) this.#fitting.clear();
    this.#assumed.delete(pair);
  }

  note(at: readonly string[], rule: NarrowingRule, what = "", bounds?: Pick<Narrowing, "wider" | "narrower">): void {
    this.#noted++;
    if (this.#found.length < foundMax) this.#found.push({ at, rule, what, ...bounds });
  }

  #spend(effort: number): boolean {
    this.#effortLeft -= effort;
    this.#options.effort.left -= effort;
    return this.#effortLeft >= 0 && this.#options.effort.left >= 0;
  }

  /** Whether it fits, without a word of why not. */
  #fits(from: unknown, to: unknown): boolean {
    return this.#isSilent(() => this.walk(from, to, []));
  }

  #isSilent(compare: () => void): boolean {
    const [found, noted] = [this.#found, this.#noted];
    this.#found = [];
    compare();
    const isSilent = this.#noted === noted;
    this.#found = found;
    this.#noted = noted;
    return isSilent;
  }

  #compare(from: JsonObject, to: JsonObject, at: readonly string[]): void {
    const { ids } = this.#options;
    if (isNever(from)) return;
    if (isNever(to)) return this.note(at, "nothing");
    this.#parts(from, to, at);
    const unions = ["anyOf", "oneOf"].filter((name) => to[name] !== undefined && !ids.areSame(from[name], to[name]));
    const { allOf: _a, anyOf: _b, oneOf: _c, ...plain } = to;
    if (this.#splits(from, unions, plain, to)) return this.#alternatives(from, to, at);
    for (const union of unions) this.#intoUnion(from, to, union, at);
    this.#plain(from, plain, to, at);
  }

  /** Each takes all, and describes a part of it. */
  #parts(from: JsonObject, to: JsonObject, at: readonly string[]): void {
    const isPart = this.#isPart;
    this.#isPart = true;
    const { from: mine, to: its } = this.#options;
    for (const part of listOf(to["allOf"])) {
      const fits = (each: unknown): boolean =>
        this.#isSilent(() => this.#nested(within(mine.resolve(each), from), its.resolve(part), at));
      if (!listOf(from["allOf"]).some(fits)) this.walk(from, part, at);
    }
    this.#isPart = isPart;
  }

  /** Whether what is taken has to be looked at alternative by alternative. */
  #splits(from: JsonObject, unions: readonly string[], plain: JsonObject, to: JsonObject): boolean {
    if (from["anyOf"] === undefined && from["oneOf"] === undefined) return false;
    if (unions.length > 0) return true;
    return !this.#isSilent(() => this.#plain(from, plain, to, []));
  }

  /** All that is taken is taken by one of the alternatives, with what is said beside them. */
  #alternatives(from: JsonObject, to: JsonObject, at: readonly string[]): void {
    const name = from["anyOf"] === undefined ? "oneOf" : "anyOf";
    const { [name]: union, ...beside } = from;
    const alternatives = listOf(union);
    if (alternatives.length > alternativesMax || alternatives.length === 0) return this.note(at, "unclear");
    for (const alternative of alternatives) {
      const resolved = this.#options.from.resolve(alternative);
      const merged = this.#options.from.merged(beside, resolved);
      if (merged !== undefined) this.#nested(merged, to, at);
      // Either alone takes more than both.
      else if (!this.#isSilent(() => this.#nested(within(beside, resolved), to, at)))
        this.#nested(within(resolved, beside), to, at);
    }
  }

  /** As `walk`, for what is nowhere in the document. */
  #nested(from: JsonObject, to: JsonObject, at: readonly string[]): void {
    const pair = `${this.#options.ids.of(from)}/${this.#options.ids.of(to)}/alternative`;
    if (!this.#spend(1) || this.#open.has(pair) || this.#open.size > depthMax) return this.note(at, "unclear");
    this.#open.add(pair);
    this.#compare(from, to, at);
    this.#open.delete(pair);
  }

  #intoUnion(from: JsonObject, to: JsonObject, name: string, at: readonly string[]): void {
    const { ids } = this.#options;
    const root = this.#options.to;
    const alternatives = listOf(to[name]);
    if (alternatives.length > alternativesMax || !this.#spend(alternatives.length)) return this.note(at, "unclear");
    const resolved = alternatives.map((each) => root.resolve(each));
    if (name === "oneOf" && !this.#areApart(resolved)) return this.note(at, "rule", name);
    if (alternatives.some((each) => ids.areSame(from, each) || this.#fits(from, each))) return;
    const types = typesOf(from);
    const near = alternatives.filter((_, i) => bothOf(types, typesOf(resolved[i] ?? {})).size > 0);
    // Where there is no doubt which one it is about, it can be said what is wrong with it.
    if (near.length === 1) this.walk(from, near[0], at);
    else this.note(at, "union");
  }

  /** Whether no value is valid against two of them, so that one is as good as any. */
  #areApart(schemas: readonly JsonObject[]): boolean {
    const { ids, to } = this.#options;
    if (!this.#spend(schemas.length ** 2)) return false;
    return schemas.every((one, i) =>
      schemas.slice(i + 1).every((other) => areDisjoint(one, other, (schema) => to.resolve(schema), ids)),
    );
  }

  /** Everything but alternatives; `whole` is `to` with them. */
  #plain(from: JsonObject, to: JsonObject, whole: JsonObject, at: readonly string[]): void {
    const [taken, takes] = [typesOf(from), typesOf(to)];
    const lost = [...taken].filter((type) => !takes.has(type)).map((type) => (type === "fraction" ? "number" : type));
    if (this.#values(from, to, at)) return;
    if (lost.length > 0) this.note(at, "type", lost.toSorted().join(", "));
    const types = bothOf(taken, takes);
    for (const { keyword, ...bounds } of tighterBounds(from, to, types)) this.note(at, "bound", keyword, bounds);
    for (const [type, keywords] of weighedWhole) {
      if (type !== "any" && !types.has(type)) continue;
      for (const keyword of keywords) this.#whole(keyword, from, to, whole, at);
    }
    const isAll = !this.#isPart && combining.every((name) => whole[name] === undefined);
    const isDescribed = (name: string): boolean => this.#describes(from, name, 0);
    if (types.has("object")) narrowedMembers(from, to, at, { walk: this, isAll, isDescribed });
    if (types.has("array")) this.#elements(from, to, at);
  }

  /** Whether a part of a schema, or an alternative, says what a member is. */
  #describes(schema: JsonObject, name: string, depth: number): boolean {
    const parts = combining.flatMap((keyword) => {
      const part = memberOf(schema, keyword);
      return Array.isArray(part)
        ? listOf(part)
        : keyword === "dependentSchemas"
          ? Object.values(objectOf(part) ?? {})
          : [];
    });
    for (const keyword of ["if", "then", "else"]) if (schema[keyword] !== undefined) parts.push(schema[keyword]);
    if (parts.length === 0) return false;
    if (depth > describedDepthMax || !this.#spend(parts.length)) return true;
    return parts.some((part) => {
      const resolved = this.#options.from.resolve(part);
      const isNamed = memberOf(objectOf(resolved["properties"]) ?? {}, name) !== undefined;
      const isOther =
        resolved["patternProperties"] !== undefined || objectOf(resolved["additionalProperties"]) !== undefined;
      return isNamed || isOther || this.#describes(resolved, name, depth + 1);
    });
  }

  /** Lists of values; true when there is nothing else to be said. */
  #values(from: JsonObject, to: JsonObject, at: readonly string[]): boolean {
    const { ids } = this.#options;
    const takes = to["enum"] === undefined && !Object.hasOwn(to, "const") ? undefined : valuesOf(to);
    const taken = valuesOf(from);
    if (takes === undefined) return false;
    if (!this.#spend((taken?.length ?? 0) / 10 + takes.length / 10)) this.note(at, "unclear");
    const known = new Set(takes.map((value) => ids.of(value)));
    const lost = taken?.filter((value) => !known.has(ids.of(value)));
    if (lost === undefined) this.note(at, "values", "any other value");
    else if (lost.length > 0)
      this.note(
        at,
        "values",
        lost
          .slice(0, 5)
          .map((value) => JSON.stringify(value))
          .join(", "),
      );
    return lost === undefined || lost.length > 0;
  }

  #whole(keyword: string, from: JsonObject, to: JsonObject, whole: JsonObject, at: readonly string[]): void {
    const rule = memberOf(to, keyword);
    if (rule === undefined || ((keyword === "then" || keyword === "else") && to["if"] === undefined)) return;
    // A name that means something of its own document is the same only in the same document, which was seen before.
    const isSame =
      keyword === "$ref" && typeof rule === "string" && !rule.startsWith("#")
        ? rule === from[keyword]
        : !keyword.startsWith("$") && this.#options.ids.areSame(memberOf(from, keyword), rule);
    const isAlone = !asksAll.includes(keyword) || combining.every((name) => whole[name] === undefined);
    if (!isSame || !isAlone) this.note(at, "rule", keyword);
  }

  #elements(from: JsonObject, to: JsonObject, at: readonly string[]): void {
    const [mine, its] = [elementsOf(from), elementsOf(to)];
    const element = [...at, "[]"];
    const count = Math.max(mine.first.length, its.first.length);
    if (!this.#spend(count)) return this.note(at, "unclear");
    for (let i = 0; i < count; i++) this.walk(mine.first[i] ?? mine.rest, its.first[i] ?? its.rest, element);
    this.walk(mine.rest, its.rest, element);
  }
}

/** A schema as a part of another, of which only is asked what it describes. */
function within(part: JsonObject, whole: JsonObject): JsonObject {
  return { ...part, allOf: [...listOf(part["allOf"]), whole] };
}

/** Schemas of a list's first elements, and of all others; in the spelling of either draft. */
function elementsOf(schema: JsonObject): { readonly first: readonly unknown[]; readonly rest: unknown } {
  const { items, prefixItems, additionalItems } = schema;
  if (Array.isArray(items)) return { first: listOf(items), rest: additionalItems ?? true };
  return { first: listOf(prefixItems), rest: items ?? true };
}

function isNever({ not }: JsonObject): boolean {
  const what = not === true ? {} : objectOf(not);
  return what !== undefined && Object.keys(what).length === 0;
}
