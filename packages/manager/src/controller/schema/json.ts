/** Decoded JSON of unknown shape, and which parts of it are the same. Knows nothing of schemas. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** A value as an object; undefined for anything else, lists included. */
export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** A value as a list; empty for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The strings of a list. */
export function stringsOf(value: unknown): readonly string[] {
  return listOf(value).filter((each) => typeof each === "string");
}

/** An own member, so that `constructor` is none. */
export function memberOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The objects of a list by the text of one of their members; those without are left out. */
export function byKey(items: unknown, key: string): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  for (const item of listOf(items)) {
    const object = objectOf(item) ?? {};
    const name = memberOf(object, key);
    if (typeof name === "string") found.set(name, object);
  }
  return found;
}

/** A value for people: a text as it is, anything else as JSON, a line for each member; nothing for what is absent. */
export function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
}

/** How deeply lists and objects stand in one another, at a look at its text. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isString) {
      if (code === 0x5c) at++;
      else if (code === 0x22) isString = false;
    } else if (code === 0x22) isString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest;
}

/** Numbers for values, equal exactly for equal ones, whatever order their members stand in; each value is read once. */
export class StructuralIds {
  readonly #ids = new Map<string, number>();
  readonly #known = new WeakMap<object, number>();
  /** Ids of values in which a member is called `$ref` or the like: what they mean depends on where they stand. */
  readonly #withReferences = new Set<number>();

  of(value: unknown): number {
    if (typeof value !== "object" || value === null) return this.#idOf(JSON.stringify(value) ?? "absent");
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const id = Array.isArray(value) ? this.#ofList(value) : this.#ofObject(value as JsonObject);
    this.#known.set(value, id);
    return id;
  }

  /** Whether two values are equal and mean the same wherever they stand. */
  areSame(a: unknown, b: unknown): boolean {
    const id = this.of(a);
    return id === this.of(b) && !this.#withReferences.has(id);
  }

  #ofList(list: readonly unknown[]): number {
    const ids = list.map((each) => this.of(each));
    return this.#marked(this.#idOf(`[${ids.join()}]`), ids, false);
  }

  #ofObject(object: JsonObject): number {
    const names = Object.keys(object).toSorted();
    const ids = names.map((name) => this.of(object[name]));
    const members = names.map((name, at) => `${JSON.stringify(name)}:${ids[at]}`);
    const refers = names.some((name) => name === "$ref" || name === "$dynamicRef" || name === "$recursiveRef");
    return this.#marked(this.#idOf(`{${members.join()}}`), ids, refers);
  }

  #marked(id: number, parts: readonly number[], refers: boolean): number {
    if (refers || parts.some((part) => this.#withReferences.has(part))) this.#withReferences.add(id);
    return id;
  }

  #idOf(key: string): number {
    const id = this.#ids.get(key) ?? this.#ids.size;
    this.#ids.set(key, id);
    return id;
  }
}
