import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { exactly } from "./exact.ts";

interface Thing {
  readonly a: string;
  readonly b?: number;
}

test("a schema that is its interface compiles, and one that differs in either direction does not", () => {
  const same = z.strictObject({ a: z.string(), b: z.number().exactOptional() });
  assert.equal(exactly<Thing>()(same), same);
  // @ts-expect-error the schema lacks an optional field
  exactly<Thing>()(z.strictObject({ a: z.string() }));
  // @ts-expect-error the schema has a field more
  exactly<Thing>()(z.strictObject({ a: z.string(), b: z.number().exactOptional(), c: z.string().exactOptional() }));
  // @ts-expect-error a field is optional in one of them only
  exactly<Thing>()(z.strictObject({ a: z.string(), b: z.number() }));
  // @ts-expect-error the input differs from the output
  exactly<Thing>()(z.strictObject({ a: z.string().default("x"), b: z.number().exactOptional() }));
});
