/** What single keywords of JSON Schema say of values that stand alone: their types, their lists, their bounds. Pure, and without nesting. */
import { canonicalJson } from "@mcp-manager/api";
import { type JsonObject, listOf, memberOf, objectOf, type StructuralIds, stringsOf } from "./json.ts";

/** As `type`, but that `number` is split: `fraction` is a number that is no integer. */
export type ValueType = "null" | "boolean" | "object" | "array" | "string" | "integer" | "fraction";

const allTypes: ReadonlySet<ValueType> = new Set([
  "null",
  "boolean",
  "object",
  "array",
  "string",
  "integer",
  "fraction",
]);

/** The types that values of a schema can have, as far as `type`, `enum` and `const` say. */
export function typesOf(schema: JsonObject): ReadonlySet<ValueType> {
  const { type } = schema;
  const known = stringsOf(Array.isArray(type) ? type : [type]).flatMap(valueTypes);
  const named = known.length === 0 ? allTypes : new Set(known);
  const values = listedValues(schema);
  return values === undefined ? named : bothOf(named, new Set(values.map(typeOfValue)));
}

/** What two sets of types have in common. */
export function bothOf(a: ReadonlySet<ValueType>, b: ReadonlySet<ValueType>): ReadonlySet<ValueType> {
  return new Set([...a].filter((type) => b.has(type)));
}

/** The only values that a schema takes; undefined where they are not listed. */
export function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  const types = typesOf(schema);
  const isFew = types.size > 0 && [...types].every((type) => type === "null" || type === "boolean");
  const few = [null, true, false].filter((value) => types.has(typeOfValue(value)));
  return listedValues(schema)?.filter((value) => types.has(typeOfValue(value))) ?? (isFew ? few : undefined);
}

function listedValues(schema: JsonObject): readonly unknown[] | undefined {
  const values = Array.isArray(schema["enum"]) ? listOf(schema["enum"]) : undefined;
  if (!Object.hasOwn(schema, "const")) return values;
  const only = canonicalJson(schema["const"]);
  return values?.some((value) => canonicalJson(value) === only) === false ? [] : [schema["const"]];
}

function valueTypes(name: string): readonly ValueType[] {
  if (name === "number") return ["integer", "fraction"];
  return [...allTypes].filter((type) => type === name && type !== "fraction");
}

function typeOfValue(value: unknown): ValueType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "fraction";
  if (typeof value === "boolean" || typeof value === "string") return typeof value === "boolean" ? "boolean" : "string";
  return "object";
}

/** A keyword by which one schema takes less than another. */
export interface TighterBound {
  readonly keyword: string;
  readonly wider: unknown;
  readonly narrower: unknown;
}

/** Each keyword with the type it is about; values of other types pass it. */
const counts: Readonly<Record<string, ValueType>> = {
  minLength: "string",
  maxLength: "string",
  minItems: "array",
  maxItems: "array",
  minProperties: "object",
  maxProperties: "object",
};

/** The bounds that `to` has and values of `from`, of these types, may break. */
export function tighterBounds(
  from: JsonObject,
  to: JsonObject,
  types: ReadonlySet<ValueType>,
): readonly TighterBound[] {
  const found: TighterBound[] = [];
  const check = (keyword: string, isKept: boolean): void => {
    if (!isKept) found.push({ keyword, wider: boundOf(from, keyword), narrower: boundOf(to, keyword) });
  };
  for (const [keyword, type] of Object.entries(counts)) {
    const [was, is] = [numberOf(from, keyword), numberOf(to, keyword)];
    if (is === undefined || !types.has(type)) continue;
    check(keyword, keyword.startsWith("min") ? (was ?? 0) >= is : was !== undefined && was <= is);
  }
  if (types.has("integer") || types.has("fraction")) {
    const isWhole = !types.has("fraction");
    for (const side of ["minimum", "maximum"] as const)
      check(side, isWithin(limit(from, side, isWhole), limit(to, side, isWhole)));
    check("multipleOf", isMultiple(from["multipleOf"], to["multipleOf"], isWhole));
  }
  if (types.has("array")) check("uniqueItems", to["uniqueItems"] !== true || from["uniqueItems"] === true);
  return found;
}

const exclusives: Readonly<Record<string, string>> = { minimum: "exclusiveMinimum", maximum: "exclusiveMaximum" };

function boundOf(schema: JsonObject, keyword: string): unknown {
  return memberOf(schema, keyword) ?? memberOf(schema, exclusives[keyword] ?? keyword);
}

/** A bound of numbers, upwards: a lower one is turned round. */
interface Limit {
  readonly value: number;
  readonly isExclusive: boolean;
}

function limit(schema: JsonObject, side: "minimum" | "maximum", isWhole: boolean): Limit | undefined {
  const sign = side === "minimum" ? -1 : 1;
  const exclusive = memberOf(schema, exclusives[side] ?? side);
  const plain = numberOf(schema, side);
  const found: Limit[] = [];
  // Until draft 4 it was a word on the other one.
  if (plain !== undefined) found.push({ value: sign * plain, isExclusive: exclusive === true });
  if (typeof exclusive === "number") found.push({ value: sign * exclusive, isExclusive: true });
  const whole = found.map((each) => (isWhole ? { value: wholeBelow(each), isExclusive: false } : each));
  return whole.toSorted((a, b) => a.value - b.value || Number(b.isExclusive) - Number(a.isExclusive))[0];
}

function wholeBelow({ value, isExclusive }: Limit): number {
  const floor = Math.floor(value);
  return isExclusive && floor === value ? floor - 1 : floor;
}

function isWithin(from: Limit | undefined, to: Limit | undefined): boolean {
  if (to === undefined) return true;
  if (from === undefined) return false;
  return from.value < to.value || (from.value === to.value && (from.isExclusive || !to.isExclusive));
}

function isMultiple(from: unknown, to: unknown, isWhole: boolean): boolean {
  if (typeof to !== "number") return true;
  if (typeof from === "number" && (from === to || Number.isSafeInteger(from / to))) return true;
  return isWhole && Number.isSafeInteger(1 / to);
}

function numberOf(schema: JsonObject, keyword: string): number | undefined {
  const value = schema[keyword];
  return typeof value === "number" ? value : undefined;
}

/**
 * Whether no value can be of both schemas, as far as their types, or lists of values that both require of a member, say so: then of the
 * two at most one is ever valid.
 */
export function areDisjoint(
  a: JsonObject,
  b: JsonObject,
  memberSchema: (schema: unknown) => JsonObject,
  ids: StructuralIds,
): boolean {
  const [one, other] = [valuesOf(a), valuesOf(b)];
  if (one !== undefined && other !== undefined) return haveNoneInCommon(one, other, ids);
  const types = bothOf(typesOf(a), typesOf(b));
  if (types.size === 0) return true;
  if (types.size > 1 || !types.has("object")) return false;
  const [mine, its] = [objectOf(a["properties"]) ?? {}, objectOf(b["properties"]) ?? {}];
  const required = new Set(stringsOf(b["required"]));
  return stringsOf(a["required"]).some((name) => {
    if (!required.has(name)) return false;
    const [here, there] = [valuesOf(memberSchema(memberOf(mine, name))), valuesOf(memberSchema(memberOf(its, name)))];
    return here !== undefined && there !== undefined && haveNoneInCommon(here, there, ids);
  });
}

function haveNoneInCommon(a: readonly unknown[], b: readonly unknown[], ids: StructuralIds): boolean {
  const known = new Set(a.map((value) => ids.of(value)));
  return !b.some((value) => known.has(ids.of(value)));
}
