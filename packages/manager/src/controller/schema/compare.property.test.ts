/** Whatever two revisions offer: what the gate lets pass breaks nobody, and every verdict comes in bounded time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv";
import type { SchemaClass } from "@mcp-manager/api";
import fc from "fast-check";
import { canonicalJson } from "@mcp-manager/api";
import { seededRandom } from "../../base/random.ts";
import { compareCatalogues } from "./compare.ts";
import type { JsonObject } from "./json.ts";
import { inputSchema, sampleOf, twoSchemas } from "./testing/arbitrary-schemas.ts";

const validators = new AjvJsonSchemaValidator();

function offer(...tools: readonly object[]): string {
  return canonicalJson({ tools });
}

function tool(schema: JsonObject, name = "forecast"): object {
  return { name, inputSchema: schema };
}

/** Whether a value is taken, or undefined where that is no question: what is no schema, and what asks itself without end. */
function takerOf(schema: JsonObject): (value: unknown) => boolean | undefined {
  try {
    const validator = validators.getValidator(schema);
    return (value) => {
      try {
        return validator(value).valid;
      } catch {
        return undefined;
      }
    };
  } catch {
    return () => undefined;
  }
}

const rank: readonly SchemaClass[] = ["none", "additive", "semantic", "breaking"];

test("a catalogue does not differ from itself, whatever order it is written in", () => {
  fc.assert(
    fc.property(fc.array(inputSchema, { maxLength: 3 }), (schemas) => {
      const tools = schemas.map((schema, i) => tool(schema, `tool-${i}`));
      const turned = JSON.parse(JSON.stringify(tools.toReversed())) as object[];
      assert.deepEqual(compareCatalogues(offer(...tools), offer(...turned)), { class: "none", changes: [] });
    }),
  );
});

test("a tool that is added is additive, the same taken away breaks", () => {
  fc.assert(
    fc.property(inputSchema, inputSchema, (schema, other) => {
      const [one, two] = [offer(tool(schema)), offer(tool(schema), tool(other, "other"))];
      assert.equal(compareCatalogues(one, two).class, "additive");
      assert.equal(compareCatalogues(two, one).class, "breaking");
    }),
  );
});

test("the class is that of the worst change, and they come in that order", () => {
  fc.assert(
    fc.property(twoSchemas, ([from, to]) => {
      const { class: worst, changes } = compareCatalogues(offer(tool(from)), offer(tool(to)));
      const ranks = changes.map((change) => rank.indexOf(change.class));
      assert.deepEqual(
        ranks,
        ranks.toSorted((a, b) => b - a),
      );
      assert.equal(rank.indexOf(worst), ranks[0] ?? 0);
      assert.equal(worst === "none", canonicalJson(from) === canonicalJson(to));
    }),
  );
});

test("what was taken is taken by whatever does not break", () => {
  let tried = 0;
  fc.assert(
    fc.property(twoSchemas, fc.nat(), ([from, to], seed) => {
      const { class: worst } = compareCatalogues(offer(tool(from)), offer(tool(to)));
      if (worst === "breaking" || worst === "none") return;
      const random = seededRandom(seed);
      const [before, after] = [takerOf(from), takerOf(to)];
      for (let i = 0; i < 20; i++) {
        const value = sampleOf(from, from, (below) => Math.floor(random.next() * below));
        const isTaken = before(value) === true ? after(value) : undefined;
        if (isTaken === true) tried++;
        assert.notEqual(isTaken, false, `${JSON.stringify(value)} is no longer taken`);
      }
    }),
    { numRuns: 1_500 },
  );
  assert.ok(tried > 1_000, `only ${tried} values were tried`);
});

test("what refers to itself, and what unfolds without end, is compared in bounded time", () => {
  const tree = (leaf: object): JsonObject => ({
    $ref: "#/$defs/node",
    $defs: {
      node: { type: "object", properties: { leaf, children: { type: "array", items: { $ref: "#/$defs/node" } } } },
    },
  });
  const two = (from: JsonObject, to: JsonObject): SchemaClass =>
    compareCatalogues(offer(tool(from)), offer(tool(to))).class;
  assert.equal(two(tree({ type: "string" }), tree({})), "additive");
  assert.equal(two(tree({}), tree({ type: "string" })), "breaking");
  const loop: JsonObject = { allOf: [{ $ref: "#" }, { $ref: "#" }], minProperties: 1 };
  assert.equal(two(loop, { ...loop, minProperties: 2 }), "breaking");
  const folds = (end: object): JsonObject => {
    const defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => {
        const next = { $ref: `#/$defs/d${i + 1}` };
        return [
          `d${i}`,
          {
            anyOf: [
              { ...next, title: "a" },
              { ...next, title: "b" },
            ],
            allOf: [next, { not: { const: i } }],
          },
        ];
      }),
    );
    return { $ref: "#/$defs/d0", $defs: { ...defs, d40: end } };
  };
  assert.equal(two(folds({ type: "string" }), folds({ type: "number" })), "breaking");
  assert.notEqual(two(folds({ minLength: 1 }), folds({ minLength: 1, description: "x" })), "none");
  const wide = (type: string): JsonObject => ({
    anyOf: Array.from({ length: 64 }, (_, i) => ({
      oneOf: Array.from({ length: 64 }, (__, j) => ({
        type,
        enum: Array.from({ length: 3 }, (___, k) => `${i} ${j} ${k}`),
      })),
    })),
  });
  assert.equal(two(wide("string"), wide("number")), "breaking");
});
