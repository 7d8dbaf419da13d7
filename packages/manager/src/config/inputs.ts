/**
 * What VS Code asks a person for (`inputs` and `${input:id}`), for an import: nobody can be asked at a start, so it is a Secret that has to
 * be set once. One that has a default, and is no password, is the default.
 */
import { legalName } from "@mcp-manager/api";
import { isRecord, mapTexts, valueAt } from "./field-path.ts";

/** A document without questions. */
export interface Filled {
  readonly value: unknown;
  /** What was put for them, without secrets. */
  readonly notes: readonly string[];
}

const pattern = /\$\{input:([^{}]*)\}/g;

/** `value` with `${secret:id}`, or the default, for each `${input:id}`. */
export function fillInputs(value: unknown): Filled {
  const defaults = defaultsOf(value);
  const notes = new Set<string>();
  const filled = mapTexts(value, [], (text) =>
    text.replace(pattern, (written, id: string) => {
      const given = defaults.get(id);
      const put = given ?? `\${secret:${legalName(id)}}`;
      notes.add(`${written} was ${given === undefined ? `read as ${put}` : "read as its default"}`);
      return put;
    }),
  );
  return { value: filled, notes: [...notes] };
}

function defaultsOf(root: unknown): ReadonlyMap<string, string> {
  const inputs = valueAt(root, ["inputs"]) ?? valueAt(root, ["mcp", "inputs"]);
  const found = new Map<string, string>();
  for (const input of Array.isArray(inputs) ? (inputs as readonly unknown[]) : []) {
    if (!isRecord(input) || input["password"] === true) continue;
    const { id, default: given } = input;
    if (typeof id === "string" && typeof given === "string" && given !== "") found.set(id, given);
  }
  return found;
}
