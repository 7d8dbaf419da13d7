/**
 * Ties a zod schema to the interface it checks: the two are written by hand, and this makes the compiler compare them in both
 * directions, so that neither can grow a field alone.
 */
import type { z } from "zod";

/** Types without `readonly` and without the `undefined` that zod adds to optional input. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<Exclude<T[Key], undefined>> }
    : T;

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `[]` when the schema is the interface; otherwise an argument that nobody can give, whose name is the message. */
type Agreement<Schema extends z.ZodType, Output, Input> =
  Equal<Plain<z.output<Schema>>, Plain<Output>> extends true
    ? Equal<Plain<z.input<Schema>>, Plain<Input>> extends true
      ? []
      : [never, "the schema's input differs from the interface"]
    : [never, "the schema's output differs from the interface"];

/** `exactly<Output, Input>()(schema)` is the schema, typed by the interfaces; it compiles only while they agree. */
export function exactly<Output, Input = Output>(): <Schema extends z.ZodType>(
  schema: Schema,
  ...agreement: Agreement<Schema, Output, Input>
) => z.ZodType<Output, Input> {
  return (schema, ..._agreement) => schema as unknown as z.ZodType<Output, Input>;
}
