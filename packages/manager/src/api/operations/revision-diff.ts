/** What two revisions differ in, as a caller may see it. Pure; comparing what they offer to clients is the controller's. */
import type { FieldChange, Revision, RunnablePart } from "@mcp-manager/api";
import { sameJson } from "../../registry/transaction.ts";

/** A revision as it is and as the caller may see it. */
export interface Viewed {
  readonly real: Revision;
  readonly shown: Revision;
}

/** The fields of the runnable part that differ, in order of their paths. */
export function fieldChanges(from: Viewed, to: Viewed): readonly FieldChange[] {
  return changesBetween(
    { real: runnableOf(from.real), shown: runnableOf(from.shown) },
    { real: runnableOf(to.real), shown: runnableOf(to.shown) },
  );
}

/** The fields that differ, in order of their paths. One whose values are hidden is named all the same. */
export function changesBetween(
  from: { readonly real: unknown; readonly shown: unknown },
  to: { readonly real: unknown; readonly shown: unknown },
): readonly FieldChange[] {
  const [before, after] = [new Map(leaves("", from.real)), new Map(leaves("", to.real))];
  const [shownBefore, shownAfter] = [new Map(leaves("", from.shown)), new Map(leaves("", to.shown))];
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .filter((path) => !sameJson(before.get(path), after.get(path)))
    .map((path) => ({
      path,
      ...(before.has(path) ? { from: shownBefore.get(path) } : {}),
      ...(after.has(path) ? { to: shownAfter.get(path) } : {}),
    }));
}

function runnableOf({ spec }: Revision): RunnablePart {
  const { source, sandbox, sharing, limits } = spec;
  return { source, sandbox, sharing, limits };
}

/** Lists are values: what stands at a place of one says little without the others. */
function leaves(path: string, value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .flatMap(([key, inner]) => leaves(path === "" ? key : `${path}.${key}`, inner));
}
