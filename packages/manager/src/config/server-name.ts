/** Legal names for servers that a client's configuration calls otherwise (`My Server`, `@acme/weather`). Deterministic. */
import { isName, legalName } from "@mcp-manager/api";

/**
 * A name for each of `names`, in order, all different. Legal ones stay as they are; the others are made lower-case with hyphens,
 * and numbered when that is taken.
 */
export function legalNames(names: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(names.filter(isName));
  const result = new Map<string, string>();
  for (const name of names) {
    const legal = isName(name) ? name : legalName(name, taken);
    taken.add(legal);
    result.set(name, legal);
  }
  return result;
}
