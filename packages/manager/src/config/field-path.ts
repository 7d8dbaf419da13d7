/** Paths to a field of a document, as keys and as the text that errors of `@mcp-manager/api` name them by. */

/** Keys and list positions from the root. */
export type FieldPath = readonly (string | number)[];

/** `["spec", "args", 0]` → `spec.args[0]`; the root is `the whole`. */
export function fieldText(path: FieldPath): string {
  const text = path
    .map((key) => {
      if (typeof key === "number") return `[${key}]`;
      return /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    })
    .join("");
  return text.replace(/^\./, "") || "the whole";
}

/** The path that a text made by `fieldText` names. */
export function parseField(text: string): FieldPath {
  if (text === "the whole") return [];
  return [...text.matchAll(/([\w-]+)(?=[.[]|$)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)].map(([, word, index, quoted]) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? (word ?? "") : (JSON.parse(quoted) as string);
  });
}

/** What is at `path` below `value`; undefined when nothing is. */
export function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isRecord(inner) || Array.isArray(inner) ? own(inner, key) : undefined),
    value,
  );
}

/** Whether `value` is a mapping of names and values. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value` with every text in it replaced by what `map` makes of it; `path` is where `value` stands. */
export function mapTexts(value: unknown, path: FieldPath, map: (text: string, path: FieldPath) => string): unknown {
  if (typeof value === "string") return map(value, path);
  if (Array.isArray(value)) return value.map((item, index) => mapTexts(item, [...path, index], map));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, [...path, key], map)]));
}

function own(value: object, key: string | number): unknown {
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string | number, unknown>>)[key] : undefined;
}
