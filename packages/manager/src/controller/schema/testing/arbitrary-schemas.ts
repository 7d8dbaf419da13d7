/** JSON Schemas of a small vocabulary, small changes of them, and values that they describe: so small that they often have to do with each other. */
import fc from "fast-check";
import { type JsonObject, listOf, objectOf, stringsOf } from "../json.ts";

const scalar: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  null,
  true,
  false,
  -1,
  0,
  0.5,
  1,
  2,
  3,
  "",
  "a",
  "ab",
  "abc",
);
const typeName = fc.constantFrom("null", "boolean", "object", "array", "string", "integer", "number");
const bound = fc.integer({ min: 0, max: 3 });
const names = ["a", "b", "c"] as const;

function some(members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> {
  return fc.record(members, { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
}

const { schema: anySchema } = fc.letrec<{ schema: unknown; object: JsonObject }>((tie) => {
  const schema = tie("schema");
  const members = (max: number): fc.Arbitrary<unknown> =>
    fc.dictionary(fc.constantFrom(...names), schema, { maxKeys: max });
  const branches = fc.array(schema, { minLength: 1, maxLength: 2 });
  return {
    object: fc
      .tuple(
        some({ properties: members(2), required: fc.subarray([...names], { maxLength: 1 }) }),
        some({ additionalProperties: fc.oneof(fc.constant(false), schema), maxProperties: bound }),
      )
      .map(([one, other]) => ({ type: "object", ...one, ...other })),
    schema: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      fc.constantFrom<unknown>({}, true, false, { $ref: "#/$defs/d" }),
      some({ type: fc.oneof(typeName, fc.uniqueArray(typeName, { minLength: 1, maxLength: 2 })) }),
      some({ enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }) }),
      some({ const: scalar }),
      some({
        type: fc.constantFrom("integer", "number"),
        minimum: bound,
        exclusiveMaximum: bound,
        multipleOf: fc.constantFrom(1, 2, 0.5),
      }),
      some({ type: fc.constant("string"), minLength: bound, maxLength: bound, pattern: fc.constant("^a") }),
      some({
        type: fc.constant("array"),
        items: schema,
        prefixItems: branches,
        maxItems: bound,
        uniqueItems: fc.boolean(),
      }),
      tie("object"),
      tie("object"),
      some({ type: typeName, anyOf: branches, not: schema }),
      some({ oneOf: branches, properties: members(1) }),
      some({ allOf: branches, required: fc.constant(["a"]) }),
    ),
  };
});

/** The input schema of a tool. */
export const inputSchema: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...names), anySchema, { minKeys: 1 }),
    anySchema,
    some({ required: fc.subarray([...names]) }),
  )
  .map(([properties, d, more]) => ({ type: "object", properties, $defs: { d }, ...more }));

/** A schema, and one that differs from it in one place or two. */
export const twoSchemas: fc.Arbitrary<readonly [JsonObject, JsonObject]> = fc
  .tuple(inputSchema, fc.array(fc.tuple(fc.nat(), fc.nat(6), anySchema), { maxLength: 2 }))
  .map(([schema, edits]) => [schema, edits.reduce((now, edit) => objectOf(edited(now, edit)) ?? {}, schema)]);

type Edit = readonly [place: number, what: number, other: unknown];

/** Walks down by the digits of `place`, and changes what it comes to. */
function edited(value: unknown, [place, what, other]: Edit): unknown {
  const object = objectOf(value);
  const keys = Object.keys(object ?? {});
  const key = keys[place % Math.max(1, keys.length)];
  if (object === undefined || key === undefined) return other;
  const child = object[key];
  const { [key]: _, ...rest } = object;
  if (place % 3 > 0 && typeof child === "object") return { ...object, [key]: edited(child, [place >> 2, what, other]) };
  if (what === 0) return rest;
  if (what === 1) return { ...object, [key]: other };
  if (what === 2) return { anyOf: [object, other] };
  if (what === 3) return { ...object, description: "other words" };
  if (what === 4) return { ...object, properties: { ...objectOf(object["properties"]), c: other } };
  if (what === 5 && typeof child === "number") return { ...object, [key]: child + 1 };
  return { ...object, enum: [...listOf(object["enum"]), 0, "a"] };
}

/** Draws the next number below a bound. */
type Draw = (below: number) => number;

/** A value that the schema may take, with no members but those it describes; draws say which. Its reader tries whether it is taken. */
export function sampleOf(schema: unknown, root: JsonObject, draw: Draw, depth = 0): unknown {
  const whole = flat(schema, root, draw, 0);
  if (Array.isArray(whole["enum"])) return whole["enum"][draw(whole["enum"].length)] as unknown;
  if (Object.hasOwn(whole, "const")) return whole["const"];
  const all = ["null", "boolean", "object", "array", "string", "number"];
  const types = stringsOf(typeof whole["type"] === "string" ? [whole["type"]] : (whole["type"] ?? all));
  const type = depth > 4 ? "string" : types[draw(types.length)];
  if (type === "null") return null;
  if (type === "boolean") return draw(2) === 0;
  if (type === "string") return ["", "a", "ab", "abc", "b"][draw(5)];
  if (type === "integer" || type === "number") return [-1, 0, 1, 2, 3, 4, 0.5][draw(7)];
  const of = (child: unknown): unknown => sampleOf(child, root, draw, depth + 1);
  if (type === "array") {
    const first = listOf(whole["prefixItems"]);
    return Array.from({ length: draw(3) }, (_, i) => of(first[i] ?? whole["items"]));
  }
  const required = stringsOf(whole["required"]);
  const extra = objectOf(whole["additionalProperties"]);
  const members = Object.entries({ ...(extra === undefined ? {} : { z: extra }), ...objectOf(whole["properties"]) });
  const taken = members.filter(([name]) => required.includes(name) || draw(2) === 0);
  return Object.fromEntries(taken.map(([name, child]) => [name, of(child)]));
}

/** References, one alternative and all parts in one, however they get on with each other. */
function flat(schema: unknown, root: JsonObject, draw: Draw, hops: number): JsonObject {
  const { $ref, anyOf, oneOf, allOf, ...rest } = objectOf(schema) ?? {};
  const unions = [anyOf, oneOf].map(listOf).filter(({ length }) => length > 0);
  const parts = [...unions.map((union) => union[draw(union.length)]), ...listOf(allOf)];
  if ($ref !== undefined) parts.push(objectOf(root["$defs"])?.["d"]);
  if (hops > 8) return rest;
  return parts.reduce<JsonObject>((whole, part) => {
    const more = flat(part, root, draw, hops + 1);
    return { ...whole, ...more, properties: { ...objectOf(whole["properties"]), ...objectOf(more["properties"]) } };
  }, rest);
}
