/** Legal names for servers that a client's configuration calls otherwise (`My Server`, `@acme/weather`). Deterministic. */
import { isName, nameLengthMax } from "@mcp-manager/api";

/**
 * A name for each of `names`, in order, all different. Legal ones stay as they are; the others are made lower-case with hyphens,
 * and numbered when that is taken.
 */
export function legalNames(names: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(names.filter(isName));
  const result = new Map<string, string>();
  for (const name of names) {
    const legal = isName(name) ? name : free(slug(name), taken);
    taken.add(legal);
    result.set(name, legal);
  }
  return result;
}

function slug(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  const text = trim(trim(plain.replaceAll(/[^a-z0-9]+/g, "-")).slice(0, nameLengthMax));
  return text === "" ? "server" : text;
}

function free(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let number = 2; ; number += 1) {
    const suffix = `-${number}`;
    const candidate = `${trim(name.slice(0, nameLengthMax - suffix.length))}${suffix}`;
    if (!taken.has(candidate)) return candidate;
  }
}

function trim(text: string): string {
  return text.replaceAll(/^-+|-+$/g, "");
}
