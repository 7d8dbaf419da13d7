/**
 * Whether a message and a schema say the same: every member of the schema has a field of a fitting kind, and, over all schemas that one
 * message stands for, no field is left over. Looks at both as data; the schemas as JSON Schema.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** A schema as JSON Schema. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
}

/** Compares, and remembers which fields were met. */
export class Shapes {
  /** What differs, a line each. */
  readonly differences: string[] = [];
  readonly #met = new Map<DescMessage, Set<string>>();

  /** A message against a schema of an object; `given` are fields that stand for something else. */
  compare(message: DescMessage, schema: Schema, given: readonly string[] = []): void {
    if (message.typeName === "google.protobuf.Struct") return this.#demand(isOpen(schema), message.typeName, schema);
    this.meet(message, given);
    const members = membersOf(schema);
    for (const [name, inner] of members) {
      const field = message.fields.find(({ jsonName }) => jsonName === name);
      if (field === undefined) this.differences.push(`${message.typeName} has no field for "${name}"`);
      else {
        this.meet(message, [name]);
        this.#compareField(field, inner);
      }
    }
  }

  /** Says that fields are accounted for. */
  meet(message: DescMessage, names: readonly string[]): void {
    const met = this.#met.get(message) ?? new Set();
    this.#met.set(message, met);
    for (const name of names) met.add(name);
  }

  /** Fields of the messages seen that no schema has. */
  leftOver(): readonly string[] {
    return [...this.#met].flatMap(([{ typeName, fields }, met]) =>
      fields
        .filter(({ jsonName }) => !met.has(jsonName))
        .map(({ jsonName }) => `${typeName}.${jsonName} is in no schema`),
    );
  }

  #compareField(field: DescField, schema: Schema): void {
    const forms = formsOf(schema);
    const at = `${field.parent.typeName}.${field.name}`;
    if (forms.every((form) => Object.keys(form).length === 0)) return;
    if (field.fieldKind === "scalar") return this.#demand(forms.every(fits(field.scalar)), at, schema);
    if (field.fieldKind === "message" && field.message.typeName === "google.protobuf.Value") return;
    if (field.fieldKind === "message" && field.message.typeName === "google.protobuf.ListValue") {
      return this.#demand(
        forms.every(({ type }) => type === "array"),
        at,
        schema,
      );
    }
    if (field.fieldKind === "message") return this.compare(field.message, schema);
    if (field.fieldKind === "list") {
      const items = forms.flatMap(({ items: inner }) => inner ?? []);
      this.#demand(items.length === forms.length, at, schema);
      if (field.listKind === "message") for (const inner of items) this.compare(field.message, inner);
      if (field.listKind === "scalar") this.#demand(items.flatMap(formsOf).every(fits(field.scalar)), at, schema);
    }
    if (field.fieldKind === "map") {
      const values = forms.flatMap(({ additionalProperties: inner }) => (typeof inner === "object" ? [inner] : []));
      this.#demand(values.length === forms.length, at, schema);
      if (field.mapKind === "message") for (const inner of values) this.compare(field.message, inner);
      if (field.mapKind === "scalar") this.#demand(values.flatMap(formsOf).every(fits(field.scalar)), at, schema);
    }
  }

  #demand(isSo: boolean, at: string, schema: Schema): void {
    if (!isSo) this.differences.push(`${at} does not fit ${JSON.stringify(schema).slice(0, 120)}`);
  }
}

/** The alternatives of a schema, without null, which a message says by absence. */
function formsOf(schema: Schema): readonly Schema[] {
  return (schema.anyOf ?? schema.oneOf ?? [schema]).flatMap((form) => {
    if (form.anyOf !== undefined || form.oneOf !== undefined) return formsOf(form);
    if (Array.isArray(form.type)) return form.type.flatMap((type: string) => formsOf({ ...form, type }));
    return form.type === "null" ? [] : [form];
  });
}

function membersOf(schema: Schema): readonly (readonly [string, Schema])[] {
  return formsOf(schema).flatMap(({ properties }) => Object.entries(properties ?? {}));
}

/** Whether it takes an object with any members. */
export function isOpen(schema: Schema): boolean {
  return formsOf(schema).every(({ additionalProperties: inner }) => inner !== undefined && inner !== false);
}

/** Which JSON each kind of field can hold: whole numbers may be doubles, since JSON has one kind of number. */
const kinds: ReadonlyMap<ScalarType, readonly string[]> = new Map([
  [ScalarType.STRING, ["string"]],
  [ScalarType.BOOL, ["boolean"]],
  [ScalarType.INT32, ["integer"]],
  [ScalarType.DOUBLE, ["number", "integer"]],
]);

function fits(scalar: ScalarType): (schema: Schema) => boolean {
  return ({ type, const: only, enum: choices }) =>
    kinds.get(scalar)?.includes(String(type ?? typeof (only ?? choices?.[0]))) === true;
}
